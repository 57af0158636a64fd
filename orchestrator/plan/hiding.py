"""Names of a workspace that hide those of one that it extends: for its own images they go before them.

That is allowed, and may be a mistake: so it is told. Nothing that is protected can be hidden (`checking.checks`).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from orchestrator.brought import BROUGHT
from orchestrator.definition.reading.document import read
from orchestrator.definition.roles.folders import collection_folders
from orchestrator.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orchestrator.definition.workspace import Workspace

_FILE = "ami.yml"
#: Files that are looked for by their place in a workspace.
_FOUND_BY_PLACE = ("playbooks/*.yml", "packer/*.j2", "packer/layers/*.j2")


def hiding(workspace: Workspace) -> tuple[Problem, ...]:
    """Each role, collection, layer, playbook and template of a workspace that hides one of what it extends, with both
    places. The built-in workspace counts for none: what it has is there to be replaced.
    """
    if workspace.extends is None or workspace.extends.origin.is_builtin:
        return ()
    return tuple(sorted({*_roles(workspace), *_collections(workspace), *_layers(workspace), *_files(workspace)}))


def _hides(path: Path, line: int, what: str, theirs: Path) -> Problem:
    return Problem(path, line, f"{what} goes before {os.path.relpath(theirs)} for the images of this workspace")


def _roles(workspace: Workspace) -> Iterator[Problem]:
    below = workspace.extends.roles if workspace.extends else {}
    for name, role in workspace.roles.items():
        own = role.path.is_relative_to(workspace.root) and not role.path.is_relative_to(workspace.root / BROUGHT)
        if own and name in below and below[name].path != role.path:
            yield _hides(role.path, 0, f"the role '{name}'", below[name].path)


def _collections(workspace: Workspace) -> Iterator[Problem]:
    own = collection_folders(workspace.root)
    for level in _below(workspace):
        for name, theirs in collection_folders(level.root).items():
            if name in own:
                yield _hides(own.pop(name), 0, f"the collection '{name}'", theirs)


def _layers(workspace: Workspace) -> Iterator[Problem]:
    document = read(workspace.root / _FILE, [])
    listed = document.value.get("layers") if document else None
    for place, entry in enumerate(listed if isinstance(listed, list) else []):
        name = next(iter(entry)) if isinstance(entry, dict) and entry else entry
        theirs = next((one for one in _below(workspace) if _declares(one, name)), None)
        if theirs and document:
            line = document.place("layers", place).key
            yield _hides(document.path, line, f"the layer '{name}'", theirs.root / _FILE)


def _declares(level: Workspace, layer: str) -> bool:
    """Whether a level declares a layer itself."""
    below = level.extends.layers if level.extends else {}
    return layer in level.layers and level.layers[layer] is not below.get(layer)


def _files(workspace: Workspace) -> Iterator[Problem]:
    for pattern in _FOUND_BY_PLACE:
        for path in workspace.root.glob(pattern):
            relative = path.relative_to(workspace.root)
            theirs = next(
                (level.root / relative for level in _below(workspace) if (level.root / relative).exists()), None
            )
            if theirs:
                yield _hides(path, 0, "this file", theirs)


def _below(workspace: Workspace) -> list[Workspace]:
    """The levels below, but for the built-in one; the nearest first."""
    return [level for level in workspace.chain() if level is not workspace and not level.origin.is_builtin]
