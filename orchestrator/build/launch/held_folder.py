"""Folders that live as long as the process that made them, and are found when that was killed.

Each holds a locked file. The kernel lets go of a lock when its process ends, whatever ends it: a folder whose lock is
free has been abandoned, and whoever comes next removes it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.build.launch.processes import is_used

if TYPE_CHECKING:
    from collections.abc import Iterator

#: How names of these folders begin.
PREFIX = "ami-held-"
_LOCK = ".held"
#: The file's name until it is locked. Whoever finds a file that nobody has locked takes its folder for abandoned.
_UNLOCKED = ".to-be-held"
#: Seconds after which a folder without its lock is one whose making was cut off.
_MAKING = 60.0


@contextmanager
def held_folder(base: Path) -> Iterator[Path]:
    """A folder below `base` that nobody else may read, removed at the end."""
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=base, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with (folder / _UNLOCKED).open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            (folder / _UNLOCKED).rename(folder / _LOCK)
            yield folder


def in_memory() -> Path:
    """Where files never reach a disk; without such a place the folder for temporary files."""
    places = (os.environ.get("XDG_RUNTIME_DIR", ""), "/dev/shm")  # noqa: S108 - the folder made there is private
    found = (Path(place) for place in places if place and os.access(place, os.W_OK | os.X_OK))
    return next(found, Path(tempfile.gettempdir()))


def clear_abandoned() -> tuple[Path, ...]:
    """Remove the folders of killed processes; those that were removed."""
    bases = dict.fromkeys((in_memory(), Path(tempfile.gettempdir())))
    return tuple(folder for base in bases for folder in base.glob(f"{PREFIX}*") if _cleared(folder))


def _cleared(folder: Path) -> bool:
    with suppress(OSError):
        if folder.stat().st_uid != os.getuid() or is_used(folder):
            return False
        if not (folder / _LOCK).exists():
            return time.time() - folder.stat().st_mtime > _MAKING and _removed(folder)
        with (folder / _LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return _removed(folder)
    return False


def _removed(folder: Path) -> bool:
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()
