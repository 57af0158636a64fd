"""Where the segments of a run are built and proven: on this machine, or elsewhere.

Plan, order and leases of segments are the same everywhere. A place only does what one task of the schedule comes to.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from orchestrator.run import image

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from orchestrator.build.packer.installed import Ready
    from orchestrator.plan.segment import Segment
    from orchestrator.render.packer import Renderer
    from orchestrator.run.image import RunContext
    from orchestrator.run.outcome import SegmentOutcome
    from orchestrator.run.prepare import Plan


class Workshop(Protocol):
    """A place that is ready for one run. Its methods may be called from several threads."""

    def make(self, context: RunContext, segment: Segment, base: str) -> SegmentOutcome:
        """Build a segment on the AMI `base`; see `run.image.make`."""

    def prove(
        self, context: RunContext, segment: Segment, built: SegmentOutcome, *, build_seconds: float | None
    ) -> SegmentOutcome:
        """Boot and test the AMI of an outcome; see `run.image.prove`."""


class WorkPlace(Protocol):
    """A place before a run begins."""

    @property
    def slots(self) -> int:
        """How many tasks it does at a time, unless a person says how many."""

    def opened(self, plan: Plan, context: RunContext) -> AbstractContextManager[Workshop]:
        """The place, made ready for a run. Raises LackError when it cannot do what the run needs."""


@dataclass(frozen=True)
class ThisMachine:
    """Tasks are threads of this process, which mostly wait."""

    slots: int = 2

    @contextmanager
    def opened(self, plan: Plan, context: RunContext) -> Iterator[Workshop]:  # noqa: ARG002 - as `WorkPlace` has it
        """Builds with the Packer of the plan."""
        yield LocalWorkshop(plan.ready, plan.renderer)


@dataclass(frozen=True)
class LocalWorkshop:
    """This machine, with the Packer that builds; none when nothing is built."""

    ready: Ready | None
    renderer: Renderer | None

    def make(self, context: RunContext, segment: Segment, base: str) -> SegmentOutcome:
        """Build with that Packer."""
        if self.ready is None or self.renderer is None:
            raise AssertionError("a plan that builds has its Packer")
        return image.make(context, segment, base, self.ready, self.renderer)

    def prove(
        self, context: RunContext, segment: Segment, built: SegmentOutcome, *, build_seconds: float | None
    ) -> SegmentOutcome:
        """Boot and test from here."""
        return image.prove(context, segment, built, build_seconds=build_seconds)
