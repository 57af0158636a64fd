"""Where a version of Packer looks for plugins, which ones it finds there, and which it takes.

Packer's own rules, by version: what the program for tests finds is what the real one would find.
"""

from __future__ import annotations

import hashlib
import json
import operator
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Version = tuple[int, ...]

#: What a plugin's file is called: `packer-plugin-amazon_v1.8.2_x5.0_linux_amd64`.
_FILE = re.compile(r"^packer-plugin-(?P<name>[\w-]+)_v(?P<version>\d+\.\d+\.\d+)_x5\.\d+_(?P<os>\w+)_(?P<arch>\w+)$")
_CONSTRAINT = re.compile(r"^(>=|<=|!=|~>|=|>|<)?\s*v?(\d+(?:\.\d+)*)$")
_COMPARED = {
    ">=": operator.ge,
    "<=": operator.le,
    "!=": operator.ne,
    "=": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}

#: The first version that has plugins of their own, and the first that looks into one folder alone.
FIRST, ONE_FOLDER = (1, 7), (1, 11)


@dataclass(frozen=True)
class Plugin:
    """A plugin that was found. `source` is `github.com/hashicorp/amazon`."""

    source: str
    version: str
    path: Path

    @property
    def number(self) -> Version:
        """The version as numbers."""
        return number_of(self.version)


def number_of(version: str) -> Version:
    """`(1, 8, 2)` of `1.8.2`."""
    return tuple(map(int, version.split(".")))


def folders(packer: Version, environ: Mapping[str, str], program: Path, workspace: Path) -> tuple[Path, ...]:
    """The folders in which a version looks, in its order."""
    named = environ.get("PACKER_PLUGIN_PATH", "")
    if packer < FIRST:
        own = (program, config_folder(environ) / "plugins", workspace)
        return (*own, *map(Path, named.split(":"))) if named else own
    if packer >= ONE_FOLDER:
        return (Path(named),) if named else (config_folder(environ) / "plugins",)
    if named:
        return tuple(map(Path, named.split(":")))
    return (program, workspace, config_folder(environ) / "plugins")


def config_folder(environ: Mapping[str, str]) -> Path:
    """`~/.packer.d` if it exists, else a folder of the XDG specification. PACKER_CONFIG_DIR takes the place of HOME."""
    if own := environ.get("PACKER_CONFIG_DIR"):
        return Path(own) / ".packer.d"
    home = Path(environ.get("HOME", "/"))
    if (home / ".packer.d").is_dir():
        return home / ".packer.d"
    xdg = environ.get("XDG_CONFIG_HOME")
    return (Path(xdg) if xdg else home / ".config") / "packer"


def run_loose(packer: Version, places: Iterable[Path]) -> None:
    """Run what lies there under the name of a plugin, as older versions do for every command: to ask what it is."""
    if packer < ONE_FOLDER:
        for path in (path for place in places for path in sorted(place.glob("packer-plugin-*")) if path.is_file()):
            if os.access(path, os.X_OK):
                subprocess.run([path.absolute(), "describe"], capture_output=True, check=False)


def found(places: Iterable[Path]) -> Iterator[Plugin]:
    """Every plugin in these folders. One without its checksum, or that is not what its name says, is passed over."""
    for place in places:
        for path in sorted(place.glob("*/*/*/packer-plugin-*")):
            name = _FILE.match(path.name)
            if name and name["name"] == path.parent.name and _is_sound(path, name["version"]):
                yield Plugin("/".join(path.parent.relative_to(place).parts), name["version"], path)


def installed(packer: Version, plugins: Iterable[Plugin], source: str, constraint: str) -> tuple[Plugin, ...]:
    """The plugins of a source that fit, the one that is taken last. Before 1.11 versions are sorted as text."""
    fitting = [one for one in plugins if one.source == source and fits(one.version, constraint)]
    if packer >= ONE_FOLDER:
        return tuple(sorted(fitting, key=lambda one: one.number))
    return tuple(sorted(fitting, key=lambda one: one.version))


def fits(version: str, constraint: str) -> bool:
    """Whether a version fits `>= 1.2.1, < 2.0.0`."""
    return all(_fits(number_of(version), part.strip()) for part in constraint.split(",") if part.strip())


def _fits(version: Version, part: str) -> bool:
    said = _CONSTRAINT.match(part)
    if said is None:
        raise ValueError(f"{part!r} is no version constraint")
    bound = number_of(said[2])
    if said[1] == "~>":
        return version >= bound and version[: len(bound) - 1] == bound[:-1]
    return bool(_COMPARED[said[1] or "="](version, bound))


def _is_sound(path: Path, version: str) -> bool:
    checksum = path.with_name(f"{path.name}_SHA256SUM")
    if not checksum.exists() or checksum.read_text().strip() != hashlib.sha256(path.read_bytes()).hexdigest():
        return False
    described = subprocess.run([path, "describe"], capture_output=True, check=False)
    try:
        return bool(json.loads(described.stdout)["version"].removeprefix("v") == version)
    except (ValueError, KeyError):
        return False
