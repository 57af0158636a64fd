"""`group_vars`: variables that Ansible reads by the names of groups.

A machine that is built is in the groups `all`, the name of the layer that is applied, and the name of the image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

FOLDER = "group_vars"
#: The group of every machine.
EVERY = "all"
#: What the name of a group has at its end: nothing is a folder, or a file (ansible-core, `DataLoader.find_vars_files`).
ENDINGS = ("", ".yml", ".yaml", ".json")


def groups_in(folder: Path) -> set[str]:
    """The groups for which the folder `group_vars` below `folder` has variables."""
    inside = folder / FOLDER
    return {group_of(path.name) for path in inside.iterdir()} if inside.is_dir() else set()


def group_of(name: str) -> str:
    """The group of an entry of `group_vars`: `web` of `web.yml` and of the folder `web`."""
    ending = next((one for one in ENDINGS if one and name.endswith(one)), "")
    return name.removesuffix(ending)


def is_read(relative: str, groups: Iterable[str]) -> bool:
    """Whether Ansible reads a file below a folder (`group_vars/web/main.yml`) for a machine in some groups, or would if
    it lay there. Files that are not of variables for groups are not read for that reason.
    """
    first, _, rest = relative.partition("/")
    return first == FOLDER and group_of(rest.partition("/")[0]) in {EVERY, *groups}


def files_of(folder: Path, groups: Iterable[str]) -> Iterator[Path]:
    """The files below `group_vars` of a folder that Ansible reads for a machine in some groups, sorted by path."""
    wanted = tuple(groups)
    for path in sorted((folder / FOLDER).rglob("*")):
        if path.is_file() and is_read(path.relative_to(folder).as_posix(), wanted):
            yield path
