"""From definitions to the Packer builds that make them, parents first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.errors import LackError
from orchestrator.plan.fingerprint import canonical, digest, role_files
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
    """One segment for each named image and each image that these are built on; a parent stands before its children.

    Raises UsageError for a name that the workspace does not know.
    """
    done: dict[str, Segment] = {}
    for name in names:
        _add(workspace, workspace.image(name), done)
    return tuple(done.values())


def _add(workspace: Workspace, image: Image, done: dict[str, Segment]) -> Segment:
    if image.name in done:
        return done[image.name]
    parent = _add(workspace, workspace.images[image.from_], done) if image.from_ in workspace.images else None
    layers = tuple(_planned(workspace, use) for use in image.layers)
    start = parent.fingerprint if parent else digest("source", [("", _source_bytes(workspace, image.from_))])
    segment = Segment(
        image=image,
        parent=parent.image.name if parent else None,
        source=parent.source if parent else workspace.sources[image.from_],
        layers=layers,
        stack=(parent.stack if parent else ()) + layers,
        fingerprint=_fingerprint(workspace, start, layers),
    )
    done[image.name] = segment
    return segment


def _planned(workspace: Workspace, use: LayerUse) -> PlannedLayer:
    layer = workspace.layers[use.name]
    return PlannedLayer(
        name=use.name,
        roles=(*layer.roles, *use.roles),
        vars={**layer.vars, **use.vars},
        playbook=workspace.find(f"playbooks/{use.name}.yml"),
    )


def _source_bytes(workspace: Workspace, name: str) -> bytes:
    return canonical(workspace.sources[name].model_dump(mode="json"))


def _fingerprint(workspace: Workspace, start: str, layers: tuple[PlannedLayer, ...]) -> str:
    chained = start
    for layer in layers:
        chained = digest("layer", [("below", chained.encode()), *_layer_inputs(workspace, layer)])
    frame = workspace.find("packer/image.pkr.hcl.j2").read_bytes()
    seal = PlannedLayer(SEAL, (SEAL,), {}, workspace.find(f"playbooks/{SEAL}.yml"))
    return digest("image", [("below", chained.encode()), ("frame", frame), *_layer_inputs(workspace, seal)])


def fragment_of(workspace: Workspace, layer: str) -> Path:
    """The Packer fragment of a layer: its own, or the one of every layer that has none."""
    try:
        return workspace.find(f"packer/layers/{layer}.pkr.hcl.j2")
    except LackError:
        return workspace.find("packer/layers/default.pkr.hcl.j2")


def _layer_inputs(workspace: Workspace, layer: PlannedLayer) -> list[tuple[str, bytes]]:
    inputs = [
        ("fragment", fragment_of(workspace, layer.name).read_bytes()),
        ("layer", canonical({"name": layer.name, "roles": layer.roles, "vars": layer.vars})),
        ("playbook", layer.playbook.read_bytes()),
    ]
    for role in workspace.roles_of(layer.roles):
        folder = workspace.find(f"roles/{role}")
        inputs += [(f"{role}/{name}", content) for name, content in role_files(folder)]
    return inputs
