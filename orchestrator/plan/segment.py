"""What one Packer build does: a run of layers, on the AMI of the segment below or on a source."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.definition.machine.block import Machine

if TYPE_CHECKING:
    from datetime import datetime

    from orchestrator.definition.image import Image
    from orchestrator.definition.source import Source
    from orchestrator.definition.workspace import Workspace
    from orchestrator.plan.inputs import Inputs
    from orchestrator.plan.planned_layer import PlannedLayer, ProvenBelow


@dataclass(frozen=True)
class SegmentOutline:
    """One Packer build, as far as rendering needs to know it.

    `layers` are applied by it; `stack` is what is below and these, in order. `parent` is the name of the segment that
    it is built on, or None when it starts from `source`. `source` is where the whole stack starts.
    """

    image: Image
    parent: str | None
    source: Source
    layers: tuple[PlannedLayer, ...]
    stack: tuple[PlannedLayer, ...]

    @classmethod
    def on(
        cls, below: SegmentOutline | None, image: Image, source: Source, layers: tuple[PlannedLayer, ...]
    ) -> SegmentOutline:
        """The build that applies `layers` on that of another segment, or on `source` when there is none below."""
        parent, stack = (below.name, below.stack) if below else (None, ())
        return SegmentOutline(image, parent, source, layers, (*stack, *layers))

    @property
    def machine(self) -> Machine:
        """What it is built on: what its last layer says, or the last below when it has none of its own."""
        return self.stack[-1].machine if self.stack else Machine()

    @property
    def name(self) -> str:
        """The image's name; no two segments of a plan share it."""
        return self.image.name

    def home(self, workspace: Workspace) -> Workspace:
        """The level of the workspace that it is built in: that of its image, or of layers that several images share."""
        if self.image.name in workspace.images or not self.layers:
            return workspace.home(self.image.name)
        return self.layers[-1].home or workspace

    def planned(self, inputs: Inputs, *, tests: str, shared: bool = False, below: ProvenBelow | None = None) -> Segment:
        """The same build with all that decides its result, and the fingerprint of the tests that prove it."""
        return Segment(self.image, self.parent, self.source, self.layers, self.stack, inputs, tests, shared, below)


@dataclass(frozen=True)
class Segment(SegmentOutline):
    """One Packer build of a plan, with all that decides its result.

    `inputs` are those of its last layer, on those of the layers below. `tests` is the fingerprint of the tests that
    prove it, in 64 hexadecimal digits. `shared` segments carry layers that several images have in common and end where
    no image ends: their `image` is made up, and nothing is promoted or tested of them (`tests` is empty).

    `below` is what another level proves of it.
    """

    inputs: Inputs
    tests: str = ""
    shared: bool = False
    below: ProvenBelow | None = None

    @property
    def fingerprint(self) -> str:
        """What decides the result, in 64 hexadecimal digits."""
        return self.inputs.fingerprint

    def on_types(self, instance_types: tuple[str, ...]) -> Segment:
        """The same segment, built on other instance types: they decide nothing of the result."""
        last = self.stack[-1]
        last = replace(last, machine=last.machine.model_copy(update={"instance_types": instance_types}))
        own = (*self.layers[:-1], last) if self.layers else ()
        return replace(self, layers=own, stack=(*self.stack[:-1], last))

    def version_at(self, when: datetime) -> str:
        """The version that a build started at `when` (UTC) makes: `20261123T235522Z-1a2b3c4d`."""
        return f"{when:%Y%m%dT%H%M%SZ}-{self.fingerprint[:8]}"
