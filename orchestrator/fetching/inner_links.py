"""Symbolic links of a folder from elsewhere: they stay inside of it, or the folder is refused."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def links_trouble(folder: Path) -> str:
    """The first symbolic link of a folder that leads out of it; empty when none does."""
    top = os.path.realpath(folder)
    for within, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = os.path.join(within, name)  # noqa: PTH118 - many files
            if os.path.islink(path) and not f"{os.path.realpath(path)}/".startswith(f"{top}/"):  # noqa: PTH114
                return f"the link '{os.path.relpath(path, folder)}' leads out of it, to '{os.readlink(path)}'"  # noqa: PTH115
    return ""
