"""What one Packer build does: a run of layers, on the AMI of the segment below or on a source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from orchestrator.definition.image import Image
    from orchestrator.definition.source import Source
    from orchestrator.plan.inputs import Inputs
    from orchestrator.plan.planned_layer import PlannedLayer


@dataclass(frozen=True)
class Segment:
    """One Packer build. `layers` are applied by it; `stack` is what is below and these, in order.

    `parent` is the name of the segment that it is built on, or None when it starts from `source`. `source` is where the
    whole stack starts. `fingerprint` is 64 hexadecimal digits, and `tests` those of the tests that prove it; both are
    empty when a segment is only looked at. `shared` segments carry layers that several images have in common and end
    where no image ends: their `image` is made up, and nothing is promoted or tested of them.
    """

    image: Image
    parent: str | None
    source: Source
    layers: tuple[PlannedLayer, ...]
    stack: tuple[PlannedLayer, ...]
    fingerprint: str = ""
    tests: str = ""
    shared: bool = False
    inputs: Inputs | None = None

    @property
    def name(self) -> str:
        """The image's name; no two segments of a plan share it."""
        return self.image.name

    def version_at(self, when: datetime) -> str:
        """The version that a build started at `when` (UTC) makes: `20261123T235522Z-1a2b3c4d`."""
        return f"{when:%Y%m%dT%H%M%SZ}-{self.fingerprint[:8]}"
