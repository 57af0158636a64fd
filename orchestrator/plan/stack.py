"""From definitions to stacks: the layers of an image from its source up, and where its own begin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.errors import LackError
from orchestrator.plan.segment import PlannedLayer, Segment

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from orchestrator.definition.image import Image
    from orchestrator.definition.layer import LayerUse
    from orchestrator.definition.workspace import Workspace

#: The playbook that ends every build, and its role.
SEAL = "seal"


def segments(workspace: Workspace, names: Iterable[str]) -> tuple[Segment, ...]:
    """One segment for each named image and each image that these are built on, cut at images alone; parents first.

    They have no fingerprints: they are for rendering, for listing tests, and for looking at. What is really built
    together is decided by `tree`. Raises UsageError for a name that the workspace does not know.
    """
    done: dict[str, Segment] = {}
    for name in names:
        for image in (*workspace.ancestors(workspace.image(name)), workspace.images[name]):
            if image.name not in done:
                done[image.name] = _segment(workspace, image, done.get(image.from_))
    return tuple(done.values())


def _segment(workspace: Workspace, image: Image, parent: Segment | None) -> Segment:
    layers = tuple(planned(workspace, use) for use in image.layers)
    return Segment(
        image=image,
        parent=parent.name if parent else None,
        source=parent.source if parent else workspace.sources[image.from_],
        layers=layers,
        stack=(parent.stack if parent else ()) + layers,
    )


def planned(workspace: Workspace, use: LayerUse) -> PlannedLayer:
    """A layer as an image uses it: its roles and variables after and over those of the layer."""
    layer = workspace.layers[use.name]
    return PlannedLayer(
        name=use.name,
        roles=(*layer.roles, *use.roles),
        vars={**layer.vars, **use.vars},
        playbook=workspace.find(f"playbooks/{use.name}.yml"),
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
