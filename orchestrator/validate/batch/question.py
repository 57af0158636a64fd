"""What tests ask a machine, and what comes back: values that travel between the processes of a validation."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from orchestrator.validate.errors import CommandTimedOut, CommandUnclear, OutputTooLarge

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Seconds that a command has when nobody says otherwise.
PATIENCE = 120.0
#: What is carried of one command, in bytes, both streams together.
LIMIT = 10 * 1024 * 1024


@dataclass(frozen=True)
class Question:
    """One command for /bin/sh, run as root."""

    #: No two questions of a session share one.
    number: int
    command: bytes
    #: The command is stopped after so many.
    seconds: float = PATIENCE
    #: Questions with the same turn, if it is not 0, run one after the other.
    turn: int = 0

    @property
    def text(self) -> str:
        """The command for people, undecodable bytes escaped."""
        return self.command.decode("utf-8", "backslashreplace")

    def as_json(self) -> dict[str, Any]:
        """An object that `from_json` reads."""
        return {
            "number": self.number,
            "command": _packed(self.command),
            "seconds": self.seconds,
            "turn": self.turn,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Question:
        """The question that `as_json` wrote."""
        return cls(values["number"], _unpacked(values["command"]), values["seconds"], values["turn"])


class Ended(StrEnum):
    """How a question ended."""

    ANSWERED = "answered"
    TIMED_OUT = "timed out"
    TOO_LARGE = "output too large"
    #: No script can carry the command.
    REFUSED = "cannot be sent"
    #: Whether the command ran, or to which end, cannot be known any more.
    UNCLEAR = "unclear"


@dataclass(frozen=True)
class Answer:
    """What a command did: its real exit code and both streams whole."""

    code: int
    stdout: bytes
    stderr: bytes


@dataclass(frozen=True)
class Reply:
    """What is known of a question in the end."""

    #: That of the question.
    number: int
    ended: Ended
    #: Only when it was ANSWERED.
    answer: Answer | None = None
    #: Bytes of both streams when they were TOO_LARGE, and how many are carried.
    size: int = 0
    limit: int = 0
    #: In words, when it is UNCLEAR or REFUSED.
    why: str = ""

    def of(self, question: Question) -> Answer:
        """The answer to a question. Raises CommandTimedOut, OutputTooLarge, CommandUnclear and ValueError (REFUSED)."""
        __tracebackhide__ = True  # a failure is shown where a test asked
        if self.answer is not None:
            return self.answer
        if self.ended is Ended.TIMED_OUT:
            raise CommandTimedOut(question.text, question.seconds)
        if self.ended is Ended.TOO_LARGE:
            raise OutputTooLarge(question.text, self.size, self.limit)
        if self.ended is Ended.REFUSED:
            raise ValueError(f"{self.why}: {question.text[:200]}")
        raise CommandUnclear(question.text, self.why)

    def as_json(self) -> dict[str, Any]:
        """An object that `from_json` reads."""
        values: dict[str, Any] = {**vars(self)}
        if self.answer is not None:
            values["answer"] = [self.answer.code, _packed(self.answer.stdout), _packed(self.answer.stderr)]
        return values

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Reply:
        """The reply that `as_json` wrote."""
        said = values["answer"]
        answer = Answer(said[0], _unpacked(said[1]), _unpacked(said[2])) if said else None
        return cls(**{**values, "ended": Ended(values["ended"]), "answer": answer})


def _packed(some: bytes) -> str:
    return base64.b64encode(some).decode("ascii")


def _unpacked(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
