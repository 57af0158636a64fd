"""What became of each segment of a run: a value that can be printed, compared and serialised."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from orchestrator.errors import Interrupted, LackError, StageError
from orchestrator.registry import counted

if TYPE_CHECKING:
    from orchestrator.contract.run import OutcomeJson, RoundJson, RunJson
    from orchestrator.validate.round import Round


class SegmentStatus(StrEnum):
    """How a segment's way through a run ended.

    BUILT is the good end of what is not tested by itself, CHECKED that of what only some tests were run on.
    """

    BUILT = "built"
    VALIDATED = "validated"
    CHECKED = "checked"
    REUSED = "reused"
    REJECTED = "rejected"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def good(self) -> bool:
        """Whether other segments may stand on it."""
        return self in (SegmentStatus.BUILT, SegmentStatus.VALIDATED, SegmentStatus.REUSED)


@dataclass(frozen=True)
class SegmentOutcome:
    """One segment at the end of a run."""

    image: str
    status: SegmentStatus
    #: Empty when none was made.
    ami_id: str = ""
    version: str = ""
    #: What did not go well.
    reason: str = ""
    #: What a person can do about it.
    hint: str = ""
    #: How many ended in which way: `passed=41 failed=0`.
    tests: str = ""
    #: The command that reaches the machine that was validated, when it was to be kept.
    kept: str = ""
    #: The run that did the last step of it, its build or its tests, when this one only waited for that.
    adopted: str = ""
    #: Its layers are those of several images.
    shared: bool = False
    build_seconds: float = 0.0
    validate_seconds: float = 0.0
    #: Those in which its tests asked.
    rounds: tuple[Round, ...] = ()

    @property
    def seconds(self) -> float:
        """What it took altogether."""
        return self.build_seconds + self.validate_seconds

    @property
    def usable(self) -> bool:
        """Whether it is what the run was to make: a proven image, a shared segment that stands, a part that held."""
        return self.status is SegmentStatus.CHECKED or (
            self.status.good and (self.shared or self.status is not SegmentStatus.BUILT)
        )

    def as_json(self) -> OutcomeJson:
        """A JSON object with every field."""
        return {
            "image": self.image,
            "status": self.status.value,
            "shared": self.shared,
            "ami_id": self.ami_id or None,
            "version": self.version or None,
            "reason": self.reason or None,
            "hint": self.hint or None,
            "tests": counted(self.tests),
            "reached_by": self.kept or None,
            "adopted": self.adopted or None,
            "seconds": round(self.seconds, 3),
            "build_seconds": round(self.build_seconds, 3) or None,
            "validate_seconds": round(self.validate_seconds, 3) or None,
            "rounds": [_round(one) for one in self.rounds],
        }


def _round(one: Round) -> RoundJson:
    return {
        "number": one.number,
        "waiting": one.waiting,
        "commands": one.commands,
        "requests": one.calls,
        "scripts": one.scripts,
        "parts": one.parts,
        "seconds": round(one.seconds, 3),
    }


@dataclass(frozen=True)
class Summary:
    """All outcomes of a run, and what is left in the account that should not be."""

    #: Its id.
    run: str
    folder: str
    outcomes: tuple[SegmentOutcome, ...]
    interrupted: bool = False
    #: Its wall time.
    seconds: float = 0.0
    #: Why it has no record in its folder.
    unrecorded: str = ""

    def as_json(self) -> RunJson:
        """A JSON object: run, folder, and one object per image or shared segment."""
        return {
            "schema": "ami/run/1",
            "run": self.run or None,
            "folder": self.folder or None,
            "interrupted": self.interrupted,
            "seconds": round(self.seconds, 3),
            "images": [one.as_json() for one in self.outcomes],
        }

    def raise_for_status(self, goes_on: str = "ami build continues") -> None:
        """Raise Interrupted, or StageError, unless every image is usable in the end, and LackError without a record.

        `goes_on` says what to do after an interruption.
        """
        if self.interrupted:
            raise Interrupted("the run was stopped; what was finished before stays", hint=goes_on)
        bad = [one for one in self.outcomes if not one.usable]
        if bad:
            named = ", ".join(f"{one.image} ({one.status})" for one in bad)
            hint = f"logs are in {self.folder}" if self.folder else next(one.hint for one in bad)
            raise StageError(f"not every image is validated: {named}", hint=hint)
        if self.unrecorded:
            raise LackError(
                f"all is done, and not recorded: {self.unrecorded}", hint="`ami list` shows what the account holds"
            )
