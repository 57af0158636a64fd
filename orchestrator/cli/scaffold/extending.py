"""What a new workspace has to know of the one that it extends."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.cli.scaffold.names import role_of
from orchestrator.cli.scaffold.workspace import FILE, ExtendedWorkspace, as_yaml
from orchestrator.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from orchestrator.definition.workspace import Workspace

#: What a team builds on when nobody says what.
_USUAL = "golden"


def extended_by(folder: Path, name: str, extends: str, start: str | None) -> ExtendedWorkspace:
    """What a workspace in `folder`, with an image `name`, extends.

    Raises UsageError when `extends` is no workspace or has no image or source `start`, or has an image or a role of the
    new one's name already, and DefinitionError when its files have mistakes.
    """
    from orchestrator.definition.workspace import load

    root = Path(extends)
    if not (root / FILE).is_file():
        what = f"{extends} is no workspace: it has no {FILE}"
        raise UsageError(what, hint="name a folder that has one: --extends DIR")
    other = load(root, whole=False)
    _refuse_taken(other, extends, name)
    way = os.path.relpath(root.resolve(), folder.resolve())
    return ExtendedWorkspace(f"{{path: {as_yaml(way)}}}", _start(other, start), has_lab="lab" in other.environments)


def _refuse_taken(other: Workspace, extends: str, name: str) -> None:
    """Raise UsageError when a workspace has an image, a source or a role of a new one's name."""
    for kind, taken, own in (
        ("an image", {each.family for each in other.images.values()}, name),
        ("a source", other.sources, name),
        ("a role", other.roles, role_of(name)),
    ):
        if own in taken:
            raise UsageError(f"{extends} has {kind} '{own}' already", hint="choose another name for the folder")


def _start(other: Workspace, start: str | None) -> str:
    """The image or source to start from: as it was typed, else the usual one, the first image or the first source."""
    images = sorted({each.family for each in other.images.values()})
    known = [*images, *other.sources]
    if start is not None and start not in known:
        there = f"there are: {', '.join(known)}"
        raise UsageError(f"{other.root} has no image or source '{start}'{did_you_mean(start, known)}", hint=there)
    if not known:
        raise UsageError(f"{other.root} has no image to build on", hint="it needs one first: ami new image NAME")
    return start or (_USUAL if _USUAL in images else known[0])
