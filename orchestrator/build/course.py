"""Which attempt at a build comes next, and where: a pure answer to how the last one failed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.build.cause import Cause
from orchestrator.capacity import full_code, named, remaining

if TYPE_CHECKING:
    from orchestrator.build.failure import BuildFailed
    from orchestrator.capacity import Place


@dataclass(frozen=True)
class Course:
    """Where a build can still be tried, the next place first; and what became of the attempts before.

    A full place is never tried again. A machine or a call that was lost is made up for once, by one more attempt.
    """

    places: tuple[Place, ...]
    number: int = 1
    made_up: bool = False
    story: tuple[str, ...] = ()

    @property
    def place(self) -> Place:
        """Where the next attempt is made."""
        return self.places[0]

    def after(self, failed: BuildFailed) -> Course | None:
        """The course after an attempt that failed; None when no other attempt makes sense."""
        if failed.cause is Cause.CAPACITY:
            places = remaining(self.places, full_code(failed.reason))
            return self._next(places, f"no {named(self.place)}") if places else None
        if failed.cause.is_passing and not self.made_up:
            return replace(self._next(self.places, failed.reason), made_up=True)
        return None

    def _next(self, places: tuple[Place, ...], what: str) -> Course:
        told = f"attempt {self.number}: {what}"
        return replace(self, places=places, number=self.number + 1, story=(*self.story, told))
