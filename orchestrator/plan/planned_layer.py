"""A layer as one image has it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from orchestrator.definition.layer import in_variant
from orchestrator.definition.machine.block import Machine, stacked
from orchestrator.errors import LackError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from orchestrator.definition.image import Image
    from orchestrator.definition.layer import LayerUse
    from orchestrator.definition.workspace import Workspace

#: The playbook that ends every build, and its role.
SEAL = "seal"


@dataclass(frozen=True)
class PlannedLayer:
    """One layer as one image has it: the roles in order, the variables they get, and what it is built on."""

    name: str
    roles: tuple[str, ...]
    vars: Mapping[str, Any]
    playbook: Path
    machine: Machine = field(default_factory=Machine)


class LayerPlanner:
    """Plans the layers of one workspace; each playbook is looked for once, however many images use its layer."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._playbooks: dict[str, Path] = {}

    def of_image(self, image: Image) -> tuple[PlannedLayer, ...]:
        """An image's own layers, the lowest first."""
        uses = zip(image.layers, self._machines(image), strict=True)
        return tuple(replace(self.planned(use, image.variant), machine=machine) for use, machine in uses)

    def _machines(self, image: Image) -> tuple[Machine, ...]:
        """What each of an image's own layers is built on: see `definition.machine`."""
        start = self._workspace.machine
        if (parent := self._workspace.images.get(image.from_)) is not None and (below := self._machines(parent)):
            start = below[-1].inherited(self._workspace.machine)
        layers = (self._workspace.layers[use.name].machine for use in image.layers)
        return stacked(start, layers, image.machine)

    def planned(self, use: LayerUse, variant: str) -> PlannedLayer:
        """A layer as an image uses it: its roles and variables after and over those of the layer in that variant."""
        layer = in_variant(self._workspace.layers[use.name], variant)
        if use.name not in self._playbooks:
            self._playbooks[use.name] = self._workspace.find(f"playbooks/{use.name}.yml")
        return PlannedLayer(
            name=use.name,
            roles=(*layer.roles, *use.roles),
            vars={**layer.vars, **use.vars},
            playbook=self._playbooks[use.name],
        )


def seal_of(workspace: Workspace) -> PlannedLayer:
    """What ends every build."""
    return PlannedLayer(SEAL, (SEAL,), {}, workspace.find(f"playbooks/{SEAL}.yml"))


def fragment_of(workspace: Workspace, layer: str) -> Path:
    """The Packer fragment of a layer: its own, or the one of every layer that has none."""
    try:
        return workspace.find(f"packer/layers/{layer}.pkr.hcl.j2")
    except LackError:
        return workspace.find("packer/layers/default.pkr.hcl.j2")
