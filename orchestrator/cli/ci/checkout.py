"""Paths as a CI service counts them: from the root of the checkout, in which a workspace may stand anywhere."""

from __future__ import annotations

import os
from pathlib import Path

from orchestrator.cli.ci import spoken


def checkout_of(folder: Path) -> Path:
    """The root of the checkout that a folder is in: what the service says, else the git repository, else the folder."""
    folder = folder.resolve()
    service = spoken.service()
    said = os.environ.get(service.root, "") if service else ""
    if said and folder.is_relative_to(root := Path(said).resolve()):
        return root
    return next((one for one in (folder, *folder.parents) if (one / ".git").exists()), folder)


def in_checkout(path: Path, root: Path) -> str:
    """A path from the root, with slashes; empty when it is outside, or nothing is there."""
    path = path.resolve()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) and path.exists() else ""


def line_of(path: Path, line: int) -> int:
    """The line, or the last one that the file has; 0 when it cannot be read, or has no lines."""
    try:
        with path.open("rb") as file:
            return min(line, sum(1 for _ in file))
    except OSError:
        return 0
