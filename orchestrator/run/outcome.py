"""What became of each image of a run: a value that can be printed, compared and serialised."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from orchestrator.errors import Interrupted, StageError


class Status(StrEnum):
    """How an image's way through a run ended."""

    VALIDATED = "validated"
    REUSED = "reused"
    REJECTED = "rejected"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Outcome:
    """One image at the end of a run. `ami_id` is empty when none was made; `reason` is for what did not go well.

    `kept` is the command that reaches the machine that was validated, when it was to be kept.
    """

    image: str
    status: Status
    ami_id: str = ""
    version: str = ""
    reason: str = ""
    hint: str = ""
    tests: str = ""
    kept: str = ""
    seconds: float = 0.0

    @property
    def usable(self) -> bool:
        """Whether other images may be built on it."""
        return self.status in (Status.VALIDATED, Status.REUSED)

    def as_json(self) -> dict[str, Any]:
        """A JSON object without empty fields."""
        values = {key: getattr(self, key) for key in self.__dataclass_fields__}
        return {key: value for key, value in values.items() if value not in ("", 0.0)}


@dataclass(frozen=True)
class Summary:
    """All outcomes of a run, and what is left in the account that should not be."""

    run: str
    folder: str
    outcomes: tuple[Outcome, ...]
    interrupted: bool = False

    def as_json(self) -> dict[str, Any]:
        """A JSON object: run, folder, and one object per image."""
        images = [one.as_json() for one in self.outcomes]
        return {"run": self.run, "folder": self.folder, "interrupted": self.interrupted, "images": images}

    def raise_for_status(self) -> None:
        """Raise Interrupted, or StageError, unless every image is usable in the end."""
        if self.interrupted:
            raise Interrupted("the run was stopped; images that were finished before stay", hint="ami build continues")
        bad = [one for one in self.outcomes if not one.usable]
        if bad:
            named = ", ".join(f"{one.image} ({one.status})" for one in bad)
            raise StageError(f"not every image is validated: {named}", hint=f"logs are in {self.folder}")
