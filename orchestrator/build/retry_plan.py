"""Which attempt at a build comes next, and where: a pure answer to how the last one failed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.aws.capacity import full_code, named, remaining
from orchestrator.build.cause import Cause

if TYPE_CHECKING:
    from orchestrator.aws.capacity import Place
    from orchestrator.build.failure import BuildFailed

#: How many attempts make up for calls that AWS failed before there was a machine.
_FAULTS = 3


@dataclass(frozen=True)
class RetryPlan:
    """Where a build can still be tried, the next place first; and what became of the attempts before.

    A full place is never tried again. A machine or a call that was lost is made up for by one more attempt. A call that
    AWS failed before there was a machine costs next to nothing: it is made up for three times more, each after a longer
    pause, because an account that is throttled stays so for a while.
    """

    #: Where the build can still be tried, the next place first.
    places: tuple[Place, ...]
    #: All of them, where on-demand capacity is asked for once spot capacity was in none; empty: that is not wanted.
    on_demand: tuple[Place, ...] = ()
    #: That of the next attempt, from 1.
    number: int = 1
    #: The one further attempt for what was lost was given.
    made_up: bool = False
    #: How many attempts were given for calls that AWS failed before there was a machine.
    faults: int = 0
    #: What became of the attempts before, a line for each.
    story: tuple[str, ...] = ()

    @property
    def place(self) -> Place:
        """Where the next attempt is made."""
        return self.places[0]

    @property
    def spot(self) -> bool:
        """Whether the next attempt asks for spot capacity."""
        return bool(self.on_demand)

    @property
    def pause(self) -> float:
        """Seconds to wait before the next attempt."""
        return float(2**self.faults) if self.faults else 0.0

    def after(self, failed: BuildFailed) -> RetryPlan | None:
        """The plan after an attempt that failed; None when no other attempt makes sense."""
        if failed.cause is Cause.CAPACITY:
            places = remaining(self.places, full_code(failed.reason))
            what = f"no {'spot ' if self.spot else ''}capacity for {named(self.place)}"
            if not places and self.spot:
                return replace(self._next(self.on_demand, what), on_demand=())
            return self._next(places, what) if places else None
        if failed.cause is Cause.FAULT and failed.evidence.early and self.faults < _FAULTS:
            return replace(self._next(self.places, failed.reason), faults=self.faults + 1)
        if failed.cause in (Cause.LOST, Cause.FAULT) and not self.made_up:
            return replace(self._next(self.places, failed.reason), made_up=True)
        return None

    def _next(self, places: tuple[Place, ...], what: str) -> RetryPlan:
        told = f"attempt {self.number}: {what}"
        return replace(self, places=places, number=self.number + 1, story=(*self.story, told))
