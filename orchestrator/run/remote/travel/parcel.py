"""A level of a workspace as one archive: the files that a build can read, named by their content.

Left out are leftovers, what `.gitignore` names, `.ami`, and files with passwords of Ansible Vault. What a fingerprint
counts is in it, whatever git ignores. A link that leads out of the level travels as what it leads to.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from orchestrator.brought import BROUGHT
from orchestrator.plan.ignored import Ignored, is_left_behind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_NEVER = frozenset({".git", ".ami", ".venv"})
_BLOCK = 1 << 20
#: gzip's effort: more costs more time than it saves on the way.
_EFFORT = 3


@dataclass(frozen=True)
class ParcelFile:
    """A file of a parcel: its name in it, where it is, and the text of a link that stays one."""

    name: str
    path: Path
    link: str = ""

    @property
    def mode(self) -> int:
        """Only the executable bit travels, as in git."""
        return 0o777 if self.link else 0o755 if self.path.stat().st_mode & 0o100 else 0o644

    def digest(self) -> bytes:
        """Of its name, its mode and its content."""
        state = hashlib.sha256(f"{self.mode:o} {self.name}\0{self.link}\0".encode("utf-8", "surrogateescape"))
        if not self.link:
            with self.path.open("rb") as file:
                while block := file.read(_BLOCK):
                    state.update(block)
        return state.digest()


@dataclass(frozen=True)
class Parcel:
    """The files of one level, sorted by name. `digest` has 64 hexadecimal digits, and counts what is below as well."""

    files: tuple[ParcelFile, ...]
    digest: str

    def write(self, into: IO[bytes]) -> None:
        """Write it as an archive: of equal files the same bytes."""
        with (
            gzip.GzipFile(fileobj=into, mode="wb", mtime=0, compresslevel=_EFFORT, filename="") as packed,
            tarfile.open(fileobj=packed, mode="w") as archive,
        ):
            for one in self.files:
                told = tarfile.TarInfo(one.name)
                told.mode = one.mode
                if one.link:
                    told.type, told.linkname = tarfile.SYMTYPE, one.link
                    archive.addfile(told)
                    continue
                with one.path.open("rb") as file:
                    told.size = os.fstat(file.fileno()).st_size
                    archive.addfile(told, file)


def parcel_of(root: Path, *, below: str = "", counted: Iterable[str] = (), without: Iterable[Path] = ()) -> Parcel:
    """The parcel of the level at `root`, which stands on the one with the digest `below`.

    `counted` are files, as paths from `root`, that travel whatever git ignores; `without` are files that do not.
    """
    left_out = {path.resolve() for path in without}
    found = {one.name: one for one in (*_files(root), *_brought(root), *_named(root, counted))}
    files = tuple(found[name] for name in sorted(found) if found[name].path.resolve() not in left_out)
    return Parcel(files, digest_of(files, below))


def digest_of(files: Iterable[ParcelFile], below: str) -> str:
    """The digest of a level's files, on what is below."""
    state = hashlib.sha256(f"1 {below}\n".encode())
    for one in files:
        state.update(one.digest())
    return state.hexdigest()


def unpacked_files(root: Path) -> tuple[ParcelFile, ...]:
    """The files of a parcel that was unpacked, as they are counted."""
    paths = (path for path in root.rglob("*") if path.is_symlink() or path.is_file())
    named = {path.relative_to(root).as_posix(): path for path in paths}
    return tuple(ParcelFile(name, named[name], _link_of(named[name])) for name in sorted(named))


def _link_of(path: Path) -> str:
    return str(path.readlink()) if path.is_symlink() else ""


def _files(root: Path) -> Iterator[ParcelFile]:
    ignored = Ignored()

    def wanted(path: Path) -> bool:
        left = is_left_behind(path.name) or path.name in _NEVER
        return not left and not ignored.names(str(path), folder=path.is_dir())

    yield from _below(root, "", (root.resolve(),), wanted)


def _brought(root: Path) -> Iterator[ParcelFile]:
    """What `requirements.lock` pins: links into this machine's cache, which travel as what they lead to."""
    place = root / BROUGHT
    if place.is_dir():
        yield from _below(place, f"{BROUGHT}/", (place.resolve(),), lambda path: path.name != ".git")


def _below(folder: Path, within: str, above: tuple[Path, ...], wanted: Callable[[Path], bool]) -> Iterator[ParcelFile]:
    """The files of a folder; `above` are the folders that it lies in, without links, the level's own first."""
    for path in filter(wanted, folder.iterdir()):
        link, there = _link_of(path), path.resolve()
        if link and not Path(link).is_absolute() and there.is_relative_to(above[0]):
            yield ParcelFile(f"{within}{path.name}", path, link)
        elif path.is_file():
            yield ParcelFile(f"{within}{path.name}", path)
        elif path.is_dir() and there not in above:
            yield from _below(path, f"{within}{path.name}/", (*above, there), wanted)


def _named(root: Path, counted: Iterable[str]) -> Iterator[ParcelFile]:
    for name in counted:
        path = root / name
        if path.is_file() and path.resolve().is_relative_to(root.resolve()):
            yield ParcelFile(name, path)
