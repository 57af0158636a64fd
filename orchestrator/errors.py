"""Every error that a person can meet: what happened, a hint, and the exit code that it ends with.

    AmiError                     1   (never raised itself)
    ├── DefinitionError          2   what was written is wrong: all problems at once, each file:line
    ├── UsageError               2   what was typed is wrong
    ├── LackError                3   this machine or account lacks something
    ├── StageError               1   a build, a test or a gate failed
    └── Interrupted            130   the person, or the CI job, stopped it

An error carries facts and builds its own message; the edge of the command line prints it. Packages add
their own leaves below these (`BuildFailed`, `NeverOnline`, ...), next to the code that raises them.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from orchestrator.contract.error import ErrorJson
    from orchestrator.contract.shape import PlaceJson


class AmiError(Exception):
    """An expected error: one line of what happened, and a hint that says what to do about it."""

    exit_code: Literal[1, 2, 3, 130] = 1
    #: Every mistake in a file, for errors that are about files.
    problems: tuple[Problem, ...] = ()

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @classmethod
    def kind(cls) -> str:
        """What programs call it: `no-tests` for NoTests, `usage` for UsageError. See docs/exit-codes.md."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__.removesuffix("Error")).lower()

    def as_json(self) -> ErrorJson:
        """A JSON object with every field."""
        return {
            "schema": "ami/error/1",
            "error": self.kind(),
            "message": self.message,
            "hint": self.hint or None,
            "exit_code": self.exit_code,
            "places": [problem.as_json() for problem in self.problems],
        }


class UsageError(AmiError):
    """What was typed is wrong: an unknown image, environment or option value."""

    exit_code = 2


class LackError(AmiError):
    """This machine or account lacks something: a program, a permission, a network, the lab."""

    exit_code = 3


class StageError(AmiError):
    """A build, a test or a gate failed."""


class Interrupted(AmiError):
    """The work was stopped by a signal; `message` says what was cleaned up and what may stay."""

    exit_code = 130


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake in one file."""

    path: Path
    #: From 1; 0 when the file as a whole is meant.
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}" if self.line else f"{self.path}: {self.what}"

    def as_json(self) -> PlaceJson:
        """A JSON object with every field."""
        return {"file": str(self.path), "line": self.line or None, "message": self.what}


class DefinitionError(AmiError):
    """What was written is wrong. Carries every problem that was found, in order of file and line."""

    exit_code = 2

    def __init__(self, problems: Iterable[Problem], *, hint: str = "") -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems), hint=hint)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """` (did you mean 'nginx'?)` for the nearest known name, or an empty string when none is near."""
    near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    return f" (did you mean '{near[0]}'?)" if near else ""
