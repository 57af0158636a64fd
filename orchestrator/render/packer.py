"""A planned build as Packer HCL: what the frame prints, and the text that comes out."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from orchestrator.errors import DefinitionError, Problem
from orchestrator.plan.segment import PlannedLayer
from orchestrator.plan.stack import SEAL
from orchestrator.render.generation import Generation, generation_of
from orchestrator.render.layout import laid_out
from orchestrator.render.template import FOLDER, rendered

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from orchestrator.definition.image import Image
    from orchestrator.definition.source import Source
    from orchestrator.definition.workspace import Workspace
    from orchestrator.plan.segment import Segment

__all__ = ["Generation", "generation_of", "render", "write"]

FRAME = "image.pkr.hcl.j2"

#: The fragment of a layer that has none of its own.
DEFAULT_FRAGMENT = "layers/default.pkr.hcl.j2"


def write(workspace: Workspace, segment: Segment, generation: Generation, folder: Path) -> Path:
    """Write the HCL of a planned build into `folder`, as `<image>.pkr.hcl`; the result is its path."""
    path = folder / f"{segment.image.name}.pkr.hcl"
    path.write_text(render(workspace, segment, generation), encoding="utf-8")
    return path


def render(workspace: Workspace, segment: Segment, generation: Generation) -> str:
    """The Packer HCL of a planned build: the same text for the same definitions, wherever the workspace lies.

    Raises DefinitionError, which says file and line, for a mistake in a template.
    """
    return laid_out(rendered(workspace, FRAME, _values(workspace, segment, generation)))


def _values(workspace: Workspace, segment: Segment, generation: Generation) -> dict[str, Any]:
    image = segment.image
    seal = PlannedLayer(SEAL, (SEAL,), {}, workspace.find(f"playbooks/{SEAL}.yml"))
    return {
        "image": image.model_dump(mode="json", include={"name", "description", "owner", "tags"}),
        "source": {"name": segment.source.name, "ssh_username": segment.source.ssh_username},
        "start": _start(segment),
        "plugins": generation.required_plugins,
        "stack": " ".join(layer.name for layer in segment.stack),
        "layers": [_layer(workspace, segment, layer) for layer in (*segment.layers, seal)],
        "roles_path": [os.path.relpath(place.root / "roles", workspace.root) for place in _chain(workspace)],
    }


def _start(segment: Segment) -> dict[str, Any]:
    """Where the build starts when nobody pins an AMI; `tag` is the one that holds the id of the AMI it started from."""
    if segment.parent is not None:
        filters = {"tag:ami:image": segment.parent, "tag:ami:state": "validated"}
        return {"ami": "", "filters": filters, "owners": ["self"], "parameter": "", "tag": "ami:parent"}
    return {**_source(segment.source), "tag": "ami:source-ami"}


def _source(source: Source) -> dict[str, Any]:
    nothing: dict[str, Any] = {"ami": "", "filters": {}, "owners": [], "parameter": ""}
    if source.filter is None:
        return nothing | {"ami": source.ami_id or "", "parameter": source.ssm_parameter or ""}
    filters = {"name": source.filter.name, "architecture": source.filter.architecture}
    if source.filter.product_code is not None:
        filters["product-code"] = source.filter.product_code
    return nothing | {"filters": filters, "owners": [source.filter.owner]}


def _layer(workspace: Workspace, segment: Segment, layer: PlannedLayer) -> dict[str, Any]:
    own = f"layers/{layer.name}.pkr.hcl.j2"
    ours = {"image_name": segment.image.name, "layer_name": layer.name, "layer_roles": layer.roles}
    _refuse(workspace, segment.image, layer, ours)
    return {
        "name": layer.name,
        "playbook": os.path.relpath(layer.playbook, workspace.root),
        "fragment": own if _exists(workspace, f"{FOLDER}/{own}") else DEFAULT_FRAGMENT,
        "vars": {**layer.vars, **ours},
    }


def _refuse(workspace: Workspace, image: Image, layer: PlannedLayer, ours: Mapping[str, Any]) -> None:
    """Raise DefinitionError when a layer sets a variable that is the factory's own."""
    taken = [name for name in layer.vars if name in ours]
    path = workspace.root / FOLDER / "images" / f"{image.name}.yml"
    if taken:
        raise DefinitionError([Problem(path, 0, f"layer '{layer.name}': '{name}' is set already") for name in taken])


def _exists(workspace: Workspace, relative: str) -> bool:
    return any((place.root / relative).exists() for place in _chain(workspace))


def _chain(workspace: Workspace | None) -> Iterator[Workspace]:
    """The workspace and those it extends, nearest first."""
    while workspace:
        yield workspace
        workspace = workspace.extends
