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

from orchestrator.files.file_lock import locked
from orchestrator.files.folder_users import users_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: How names of these folders begin.
PREFIX = "ami-held-"
_LOCK = ".held"
#: The file's name until it is locked. Whoever finds a file that nobody has locked takes its folder for abandoned.
_UNLOCKED = ".to-be-held"
#: What lies in a folder that somebody was told to use after the process that made it.
_KEPT = ".kept"
#: Seconds after which a folder without its lock is one whose making was cut off.
_MAKING = 60.0


@contextmanager
def held_folder(base: Path | None = None, *, kept: Callable[[], bool] = lambda: False) -> Iterator[Path]:
    """A folder that nobody else may read, removed at the end; below `base`, or among other temporary files.

    Those that killed processes left there are removed first. When `kept` says so at the end, it stays, and whoever was
    told of it removes it.
    """
    place = base or Path(tempfile.gettempdir())
    clear_abandoned(place)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))  # noqa: TID251 - this is where it is held
    with locked(folder / _UNLOCKED):
        (folder / _UNLOCKED).rename(folder / _LOCK)
        try:
            yield folder
        finally:  # while it is locked: nobody else shall take it for an abandoned one
            if kept():
                (folder / _KEPT).touch()
            else:
                _removed(folder)


def in_memory() -> Path:
    """Where files never reach a disk; without such a place the folder for temporary files."""
    places = (os.environ.get("XDG_RUNTIME_DIR", ""), "/dev/shm")  # noqa: S108 - the folder made there is private
    found = (Path(place) for place in places if place and os.access(place, os.W_OK | os.X_OK))
    return next(found, Path(tempfile.gettempdir()))


def clear_abandoned(*bases: Path) -> tuple[Path, ...]:
    """Remove the folders of killed processes below `bases`, or among temporary files; those that were removed."""
    places = dict.fromkeys(bases or (in_memory(), Path(tempfile.gettempdir())))
    return tuple(folder for place in places for folder in place.glob(f"{PREFIX}*") if _cleared(folder))


def _cleared(folder: Path) -> bool:
    with suppress(OSError):
        if folder.stat().st_uid != os.getuid() or (folder / _KEPT).exists():
            return False
        if not (folder / _LOCK).exists():
            return time.time() - folder.stat().st_mtime > _MAKING and _removed(folder)
        with (folder / _LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # One whose process was killed may have a Packer in it that cleans up.
            return not any(users_of(folder)) and _removed(folder)
    return False


def _removed(folder: Path) -> bool:
    for within, folders, _ in os.walk(folder):  # what was copied into it may be closed to its owner, too
        for path in (Path(within, name) for name in folders):
            if not path.is_symlink():
                with suppress(OSError):
                    path.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()
