"""What one Packer build does: the layers of one image, on the AMI of its parent or on a source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from orchestrator.definition.image import Image
    from orchestrator.definition.source import Source


@dataclass(frozen=True)
class PlannedLayer:
    """One layer as one image has it: the roles in order, and the variables they get."""

    name: str
    roles: tuple[str, ...]
    vars: Mapping[str, Any]
    playbook: Path


@dataclass(frozen=True)
class Segment:
    """One Packer build. `layers` are applied by it; `stack` is inherited layers and these, in order.

    `parent` names the image that it is built on, or is None when it starts from `source`. `source` is where the whole
    stack starts. `fingerprint` is 64 hexadecimal digits.
    """

    image: Image
    parent: str | None
    source: Source
    layers: tuple[PlannedLayer, ...]
    stack: tuple[PlannedLayer, ...]
    fingerprint: str

    def version_at(self, when: datetime) -> str:
        """The version that a build started at `when` (UTC) makes: `20261123T235522Z-1a2b3c4d`."""
        return f"{when:%Y%m%dT%H%M%SZ}-{self.fingerprint[:8]}"
