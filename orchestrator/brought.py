"""Where a workspace finds what its `requirements.yml` brings: roles and collections, as links into a cache.

`ami deps` and `ami build` make the links (`requirements/links.py`). The folder lies in the workspace so that a rendered
template can name it wherever the workspace lies, and a build by hand finds what the factory's finds.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: What people write, in a workspace's folder.
REQUIREMENTS = "requirements.yml"
#: Below the workspace that a command works on, for what it extends too.
BROUGHT = ".ami/deps"
#: The folder of collections, in a workspace and in what is brought.
COLLECTIONS = "collections"


def collections_in(folder: str) -> Iterator[tuple[str, str]]:
    """(name, folder) of each collection below a folder of Ansible's `COLLECTIONS_PATHS`, sorted."""
    place = folder if folder.endswith("ansible_collections") else f"{folder}/ansible_collections"
    for space in folders_in(place):
        for name in folders_in(f"{place}/{space}"):
            yield f"{space}.{name}", f"{place}/{space}/{name}"


def brought_roles(root: Path) -> tuple[Path, ...]:
    """The folders of the roles that are brought to the workspace at `root`."""
    return tuple(root / BROUGHT / "roles" / name for name in folders_in(f"{root}/{BROUGHT}/roles"))


def folders_in(path: str) -> list[str]:
    """The names of the folders in a folder, sorted; none when it is not there."""
    if not os.path.isdir(path):  # noqa: PTH112 - thousands are looked at in a plan
        return []
    return sorted(entry.name for entry in os.scandir(path) if entry.is_dir())
