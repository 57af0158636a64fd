"""The plugins that a Packer finds: which file of which version it takes, and why it takes no other.

A plugin lies in `HOST/NAMESPACE/NAME/packer-plugin-NAME_vX.Y.Z_x5.0_OS_ARCH` below a folder of plugins, and beside it
its checksum. Packer ignores what does not fit without a word (hashicorp/packer, packer/plugin-getter/plugins.go).
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from orchestrator.build.packer.plugin_folders import Search
from orchestrator.errors import AmiError
from orchestrator.process import run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_FILE = re.compile(
    r"packer-plugin-(?P<name>[^_]+)_v(?P<version>[^_]+)_x(?P<protocol>\d+)\.\d+_(?P<os>[a-z0-9]+)_(?P<arch>[a-z0-9]+)"
)
_CHECKSUM = "_SHA256SUM"
#: The major version of the plugin protocol that every Packer since 1.7 speaks.
_PROTOCOL = "5"
#: Go's names of the architectures that Python names otherwise.
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "i686": "386", "i386": "386", "armv7l": "arm"}
#: Seconds that a plugin may take to describe itself.
_DESCRIBES = 20


@dataclass(frozen=True, order=True)
class Requirement:
    """A plugin that a template asks for: `github.com/hashicorp/amazon`, and versions such as `>= 1.2.1, < 2.0.0`."""

    source: str
    versions: str = ""

    @property
    def name(self) -> str:
        """The plugin's own name: `amazon`."""
        return self.source.rpartition("/")[2]

    def takes(self, version: Version) -> bool:
        """Whether a version is one that the template wants."""
        # Packer's `~> 1.2` is Python's `~= 1.2`, but for a single number.
        text = re.sub(r"~>\s*(\d+)\s*(?=,|$)", r">= \1, < \1.99999", self.versions).replace("~>", "~=")
        text = re.sub(r"(^|,)\s*=?\s*(?=\d)", r"\1==", text)
        try:
            return version in SpecifierSet(text)
        except InvalidSpecifier:
            return True  # Packer itself is the judge of what it alone understands


@dataclass(frozen=True)
class Plugin:
    """A plugin that is there: of what, which version (`1.8.2`), and the file."""

    source: str
    version: str
    path: Path

    @property
    def name(self) -> str:
        """The plugin's own name: `amazon`."""
        return self.source.rpartition("/")[2]

    def at_least(self, *version: int) -> bool:
        """Whether it is of this version or of a later one."""
        return Version(self.version).release >= version

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({self.path})"


@dataclass(frozen=True)
class Unfit:
    """A file that looks like the plugin and is not used."""

    path: Path
    #: For people.
    why: str

    def __str__(self) -> str:
        return f"{self.path}: {self.why}"


@dataclass(frozen=True)
class Found:
    """What was found of one requirement."""

    requirement: Requirement
    #: None when nothing fits.
    plugin: Plugin | None
    unfit: tuple[Unfit, ...] = ()


def find(requirement: Requirement, folders: Iterable[Path], search: Search) -> Found:
    """The plugin that a Packer takes for a requirement, and the better-looking files that it does not take."""
    unfit: list[Unfit] = []
    for version, path in _candidates(requirement, folders, search):
        why = _why_not(requirement, version, path, search)
        if not why:
            return Found(requirement, Plugin(requirement.source, version, path), tuple(unfit))
        unfit.append(Unfit(path, why))
    return Found(requirement, None, tuple(unfit))


def hand_over(plugins: Iterable[Plugin], folder: Path) -> None:
    """Lay links to exactly these plugins, and to their checksums, into a folder of plugins."""
    for plugin in plugins:
        place = folder / plugin.source
        place.mkdir(parents=True, exist_ok=True)
        for suffix in ("", _CHECKSUM):
            (place / f"{plugin.path.name}{suffix}").symlink_to(f"{plugin.path}{suffix}")


def _candidates(requirement: Requirement, folders: Iterable[Path], search: Search) -> list[tuple[str, Path]]:
    """Versions and files, the one first that Packer prefers. Of one version in several folders the first folder's."""
    found: dict[str, Path] = {}
    for folder in folders:
        for path in _files(folder, requirement, search):
            name = _FILE.fullmatch(path.name)
            if name and name["name"] == requirement.name:
                found.setdefault(name["version"], path.absolute())
    return sorted(found.items(), key=lambda one: _rank(one[0], search), reverse=True)


def _files(folder: Path, requirement: Requirement, search: Search) -> Iterator[Path]:
    pattern = f"packer-plugin-{requirement.name}_v*"
    if search is Search.ONE:  # at any depth below the namespace
        yield from (folder / requirement.source).parent.rglob(pattern)
    else:
        yield from (folder / requirement.source).glob(pattern)


def _rank(version: str, search: Search) -> tuple[Version, str]:
    """What sorts versions as Packer does: older ones compare them as text, so that v1.9.0 beats v1.10.0."""
    number = _number(version) or Version("0")
    return (number if search is Search.ONE else Version("0"), version)


def _number(version: str) -> Version | None:
    try:
        return Version(version)
    except InvalidVersion:
        return None


def _why_not(requirement: Requirement, version: str, path: Path, search: Search) -> str:
    """Why Packer does not take a file, the cheap reasons first; an empty string when it does."""
    name, number = _FILE.fullmatch(path.name), _number(version)
    if name is None or number is None or number.is_prerelease:
        return f"{version} is no released version"
    if (name["os"], name["arch"]) != _here():
        return f"it is made for {name['os']}_{name['arch']}, and this is {'_'.join(_here())}"
    if not requirement.takes(number):
        return f"the template asks for {requirement.versions}"
    if name["protocol"] != _PROTOCOL:
        return f"it speaks version {name['protocol']} of the plugin protocol, and Packer {_PROTOCOL}"
    return _why_not_trusted(path) or (_why_not_itself(version, path) if search is Search.ONE else "")


def _why_not_trusted(path: Path) -> str:
    checksum = Path(f"{path}{_CHECKSUM}")
    if not checksum.is_file():
        return f"its checksum is missing: {checksum.name} beside it"
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != checksum.read_text(encoding="utf-8", errors="replace").strip().lower():
        return f"it is not the file that {checksum.name} tells of"
    return "" if os.access(path, os.X_OK) else "it is not executable"


def _why_not_itself(version: str, path: Path) -> str:
    """Packer asks a plugin which version it is, and believes that."""
    try:
        told = json.loads(run([str(path), "describe"], timeout=_DESCRIBES).out)["version"]
    except (AmiError, ValueError, KeyError, TypeError, OSError):
        return "it does not answer `describe`"
    return "" if told == version else f"it calls itself version {told}"


def _here() -> tuple[str, str]:
    machine = platform.machine().lower()
    return platform.system().lower(), _ARCHITECTURES.get(machine, machine)
