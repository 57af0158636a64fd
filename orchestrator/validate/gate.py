"""A gate: a value that looks at something (a booted machine, a version) and says what it found out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

#: What a gate looks at.
Subject = TypeVar("Subject")


@dataclass(frozen=True)
class Finding:
    """What one gate found out."""

    #: Whether the image may pass, as far as this gate can tell.
    passed: bool
    #: One line for people: `214 packages`, `2 critical vulnerabilities`.
    summary: str
    #: What `passed` stands on: any value that JSON can carry.
    evidence: Any = None
    #: Why the gate came to no end. What it found until then is no verdict, and never a pass.
    error: Exception | None = None
    #: The gate's name and what it says of itself, and how long it took. `inspection.look` sets all three.
    gate: str = ""
    about: str = ""
    seconds: float = 0.0

    @property
    def section(self) -> dict[str, Any]:
        """Its part of a report, a JSON object. `error` is empty unless the gate came to no end."""
        return {
            "gate": self.gate,
            "about": self.about,
            "passed": self.passed,
            "summary": self.summary,
            "evidence": self.evidence,
            "error": type(self.error).__name__ if self.error is not None else "",
            "seconds": self.seconds,
        }


@dataclass(frozen=True)
class Gate(Generic[Subject]):
    """A question to a subject. Failing is an answer: `run` raises only when it cannot tell."""

    #: What reports call it: one word, `tests`.
    name: str
    #: What it looks for, in one sentence. The report has it beside what was found.
    about: str
    #: Looks at the subject.
    run: Callable[[Subject], Finding]
