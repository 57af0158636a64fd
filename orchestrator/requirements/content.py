"""The content of a role or a collection: its digest, and the cache in which it lies by that digest.

The cache is `ami/deps` below `XDG_CACHE_HOME` or `~/.cache`. Losing it loses nothing: `ami deps` fills it again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.fetching.cache_folder import cache_folder
from orchestrator.files.held_folder import held_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The date on which ansible-galaxy installed a role, and what it left for `ansible-galaxy collection verify`: the list
#: of files in the order of a disk.
_OF_THE_INSTALLATION = ("meta/.galaxy_install_info", "FILES.json")
#: What programs leave in a folder that they run in.
_LEFT_BEHIND = frozenset({"__pycache__", ".git"})


def cache() -> Path:
    """The folder of all content; it may not be there yet."""
    return cache_folder("deps")


def place_of(sha256: str) -> Path:
    """Where content of a digest lies."""
    return cache() / sha256


def digest_of(folder: Path) -> str:
    """SHA-256 over names, executable bits, content and the texts of links; times and other modes do not count."""
    state = hashlib.sha256(b"ami deps 1\n")
    for name, path in sorted(_files(folder)):
        is_link = path.is_symlink()
        content = str(path.readlink()).encode("utf-8", "surrogateescape") if is_link else path.read_bytes()
        mark = "l" if is_link else "x" if path.stat().st_mode & 0o100 else "-"
        encoded = f"{mark} {name}".encode("utf-8", "surrogateescape")
        state.update(b"%d %b %d\n" % (len(encoded), encoded, len(content)))
        state.update(content)
    return state.hexdigest()


def keep(folder: Path) -> str:
    """Put the content of a folder into the cache: its digest. What lies there under that digest and is not it, goes.

    Raises OSError.
    """
    _without_installation(folder)
    sha256 = digest_of(folder)
    place = place_of(sha256)
    if place.is_dir() and digest_of(place) == sha256:
        return sha256
    place.parent.mkdir(parents=True, exist_ok=True)
    with held_folder(place.parent) as coming:
        shutil.copytree(folder, coming / "content", symlinks=True, ignore=_ignored)
        if place.exists():
            place.rename(coming / "spoiled")
        with suppress(FileExistsError):  # another process was quicker
            (coming / "content").rename(place)
    return sha256


def is_there(sha256: str, *, checked: bool = False) -> bool:
    """Whether the cache has the content of a digest; `checked`: and it still is that content."""
    place = place_of(sha256)
    return place.is_dir() and (not checked or digest_of(place) == sha256)


def _ignored(_folder: str, names: list[str]) -> set[str]:
    return set(names) & _LEFT_BEHIND


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for within, folders, names in os.walk(folder):
        linked = [name for name in folders if (Path(within) / name).is_symlink()]
        folders[:] = [name for name in folders if name not in _LEFT_BEHIND and name not in linked]
        for name in (*names, *linked):
            path = Path(within) / name
            relative = path.relative_to(folder).as_posix()
            if relative not in _OF_THE_INSTALLATION and name not in _LEFT_BEHIND:
                yield relative, path


def _without_installation(folder: Path) -> None:
    """Remove what differs between two installations of one content."""
    for name in _OF_THE_INSTALLATION:
        (folder / name).unlink(missing_ok=True)
    manifest = folder / "MANIFEST.json"
    if manifest.is_file() and not manifest.is_symlink():
        kept = {"collection_info": json.loads(manifest.read_bytes()).get("collection_info", {}), "format": 1}
        manifest.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")
