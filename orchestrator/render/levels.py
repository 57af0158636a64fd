"""How rendered files name what lies in the levels of a workspace: by paths from its folder.

A level that lies where only this machine has it (in the package, or in a cache) is reached by a link in the workspace.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import LackError

if TYPE_CHECKING:
    from orchestrator.definition.workspace import Workspace

#: The folder of the links, from that of the workspace.
LINKS = ".ami/levels"


def seen_from(workspace: Workspace, path: Path | str) -> str:
    """The path of a file or folder from the workspace's folder."""
    for level in workspace.chain():
        if level.origin.is_linked and level is not workspace and Path(path).is_relative_to(level.root):
            return f"{LINKS}/{level.name}/{Path(path).relative_to(level.root).as_posix()}".removesuffix("/.")
    return os.path.relpath(path, workspace.root)


def link_levels(workspace: Workspace) -> None:
    """Make the links that rendered files go by. Raises LackError when they cannot be written.

    Each is replaced at once: other processes may be building by it.
    """
    for level in workspace.chain():
        if not level.origin.is_linked or level is workspace:
            continue
        link = workspace.root / LINKS / level.name
        if link.is_symlink() and link.readlink() == level.root:
            continue
        coming = link.with_name(f".{link.name}.{os.getpid()}")
        try:
            link.parent.mkdir(parents=True, exist_ok=True)
            coming.unlink(missing_ok=True)
            coming.symlink_to(level.root)
            coming.replace(link)
        except OSError as error:
            raise LackError(f"{link} cannot be made, and rendered files go by it: {error.strerror}") from error
