"""Content hashes: what is equal has one digest, wherever it lies and whenever it was written.

Nothing here knows what a layer is: `inputs` says which bytes decide a layer's result.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

#: Raised when the way of hashing changes, so that old fingerprints never match by accident.
FORMAT = 2

#: Folders and files of a role that never reach a machine.
NOT_APPLIED = frozenset({"tests", "README.md", "__pycache__", ".pytest_cache"})
#: What Python leaves beside tests.
NOT_TESTS = frozenset({"__pycache__", ".pytest_cache"})


def files_below(folder: Path, leave_out: frozenset[str] = NOT_APPLIED) -> Iterator[tuple[str, bytes]]:
    """The files of a folder: (executable bit and path within the folder, content), sorted by path.

    Of a file's mode only the executable bit counts: it is all that git keeps, so that the other bits differ between two
    clones. Names in `leave_out` are left out at any depth. A link to a file counts as the file, one to a folder by
    where it leads.
    """
    for path in sorted(_walked(str(folder), leave_out)):
        name = path[len(str(folder)) + 1 :].replace(os.sep, "/")
        if os.path.isdir(path):  # noqa: PTH112 - thousands of plain strings
            yield f"> {name}", os.readlink(path).encode()  # noqa: PTH115 - same
            continue
        with open(path, "rb") as file:  # noqa: PTH123 - same
            executable = "x" if os.fstat(file.fileno()).st_mode & 0o100 else "-"
            yield f"{executable} {name}", file.read()


def _walked(folder: str, leave_out: frozenset[str]) -> Iterator[str]:
    for entry in os.scandir(folder):
        if entry.name in leave_out:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walked(entry.path, leave_out)
        elif entry.is_file() or entry.is_dir():
            yield entry.path


def digest(label: str, entries: Iterable[tuple[str, bytes]]) -> str:
    """SHA-256 of a labelled list of named contents. Lengths are hashed too, so that no two lists collide by joining."""
    state = hashlib.sha256(f"{FORMAT} {label}\n".encode())
    for name, content in entries:
        encoded = name.encode("utf-8", "surrogateescape")
        state.update(b"%d %b %d\n" % (len(encoded), encoded, len(content)))
        state.update(content)
    return state.hexdigest()


def canonical(value: Any) -> bytes:
    """One JSON text per value: keys sorted, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str).encode()
