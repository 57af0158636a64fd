"""Where a Packer looks for plugins: each version in its own way, as a person's own `packer` does.

Sources: hashicorp/packer, packer/plugin_folders.go at v1.8.7, v1.9.5 and v1.16.0; packer-plugin-sdk, pathing. Packer
1.6 has its builders and provisioners built in and installs no plugins.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import DefinitionError, LackError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestrator.definition.workspace import Workspace

VARIABLE = "PACKER_PLUGIN_PATH"

#: How files begin that old Packers run as plugins although nothing has installed them.
_LOOSE = ("packer-plugin-*", "packer-builder-*", "packer-provisioner-*", "packer-post-processor-*")


class Search(Enum):
    """How a version searches; the value is the first version that does so.

    BUILT_IN has no plugins to install. MANY looks into every folder it knows. VARIABLE_ALONE looks into no other folder
    when PACKER_PLUGIN_PATH is set. ONE knows a single folder, and compares versions as numbers.
    """

    BUILT_IN = (1, 6)
    MANY = (1, 7)
    VARIABLE_ALONE = (1, 9)
    ONE = (1, 11)

    @property
    def runs_loose_files(self) -> bool:
        """Whether it runs plugin files of its working directory whatever PACKER_PLUGIN_PATH says."""
        return self in (Search.BUILT_IN, Search.MANY)


def search_of(version: str) -> Search:
    """How the Packer of a version (`1.16.0`) searches."""
    number = tuple(int(part) for part in version.split(".")[:2])
    return max((one for one in Search if one.value <= number), key=lambda one: one.value, default=Search.BUILT_IN)


@dataclass(frozen=True)
class Packer:
    """The Packer on PATH: its program and its version (`1.16.0`)."""

    program: Path
    version: str

    @property
    def search(self) -> Search:
        """How it looks for plugins."""
        return search_of(self.version)


def folders(packer: Packer, workspace: Path, environ: Mapping[str, str]) -> tuple[Path, ...]:
    """The folders that a person's Packer would search, started in `workspace` with these variables; first things first.

    Raises LackError when that Packer could not even start.
    """
    search, given = packer.search, [part for part in environ.get(VARIABLE, "").split(os.pathsep) if part]
    named = tuple(workspace / part for part in given)
    if search is Search.BUILT_IN:
        return ()
    if search is Search.ONE and len(environ.get(VARIABLE, "").split(os.pathsep)) > 1:
        raise LackError(
            f"{VARIABLE} names {len(given)} folders, and Packer {packer.version} takes one alone",
            hint=f"export {VARIABLE}={given[0] if given else 'FOLDER'}",
        )
    if named and search is not Search.MANY:
        return named
    own = _config_folder(environ)
    if search is Search.ONE:
        if own is None:
            raise LackError(
                f"HOME is not set, and Packer {packer.version} looks for plugins there",
                hint=f"export HOME, or {VARIABLE}=FOLDER",
            )
        return (own,)
    configured = (own,) if own else ()
    beside = () if search is Search.MANY else (packer.program.resolve().parent,)
    return (*beside, workspace, *configured, *named)


def check_workspace(workspace: Workspace, packer: Packer) -> None:
    """Raise DefinitionError for files that this Packer would run as plugins: they are in no fingerprint."""
    if packer.search.runs_loose_files:
        why = f"Packer {packer.version} would run this file as a plugin: move it out of {workspace.root}"
        if problems := [Problem(path, 0, why) for path in loose(workspace.root)]:
            raise DefinitionError(problems)


def loose(folder: Path) -> Iterator[Path]:
    """Files that Packers before 1.9 would run as plugins because they lie in this folder."""
    for pattern in _LOOSE:
        yield from sorted(path for path in folder.glob(pattern) if path.is_file())


def _config_folder(environ: Mapping[str, str]) -> Path | None:
    """Packer's own folder of plugins (packer-plugin-sdk, pathing/config_file_unix.go)."""
    if configured := environ.get("PACKER_CONFIG_DIR"):
        return Path(configured, ".packer.d", "plugins")
    home = environ.get("HOME")
    if not home:
        return None
    old = Path(home, ".packer.d")
    if old.exists():
        return old / "plugins"
    return Path(environ.get("XDG_CONFIG_HOME") or Path(home, ".config"), "packer", "plugins")
