"""The digest that git gives to a tree of files, made of the files themselves.

So a folder is compared with what is locked wherever it came from, and no program is started for it. Formats: Pro Git,
"Git Internals - Git Objects". What git cannot hold (an empty folder, a device, another mode than 644 or 755) makes
another digest, or none.
"""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    #: Begins a digest, as `hashlib.sha1` does.
    Hashing = Callable[[bytes], Any]

#: The folder of a workspace's own state, which is no part of it, and the file that makes a folder a workspace.
_STATE, _WORKSPACE = b".ami", b"ami.yml"
#: The only modes that a file of a commit has.
_PLAIN, _EXECUTABLE = 0o644, 0o755
#: Digits of a digest of SHA-256.
_LONG = 64


def is_tree(folder: Path, tree: str) -> bool:
    """Whether a folder holds exactly what the tree of that digest has; `.ami` of a workspace in it does not count."""
    make = hashlib.sha256 if len(tree) == _LONG else hashlib.sha1
    try:
        return _tree(os.fsencode(folder), make).hex() == tree
    except OSError:
        return False


def _tree(folder: bytes, make: Hashing) -> bytes:
    """Of a folder: its entries in git's order, in which a folder's name ends with a slash."""
    entries: list[tuple[bytes, bytes]] = []
    with os.scandir(folder) as found:
        each = list(found)
    named = {entry.name for entry in each}
    for entry in each:
        if entry.name == _STATE and _WORKSPACE in named:
            continue
        mode, digest = _entry(entry, make)
        order = entry.name + (b"/" if mode == b"40000" else b"")
        entries.append((order, b"%b %b\0%b" % (mode, entry.name, digest)))
    return _object(b"tree", b"".join(line for _, line in sorted(entries)), make)


def _entry(entry: os.DirEntry[bytes], make: Hashing) -> tuple[bytes, bytes]:
    if entry.is_symlink():
        return b"120000", _object(b"blob", os.readlink(entry.path), make)  # noqa: PTH115 - names are bytes here
    if entry.is_dir():
        return b"40000", _tree(entry.path, make)
    status = entry.stat()
    mode = stat.S_IMODE(status.st_mode)
    if not stat.S_ISREG(status.st_mode) or mode not in (_PLAIN, _EXECUTABLE):
        return b"0", b""
    with open(entry.path, "rb") as file:  # noqa: PTH123 - names are bytes here
        content = file.read()
    return b"100755" if mode == _EXECUTABLE else b"100644", _object(b"blob", content, make)


def _object(kind: bytes, content: bytes, make: Hashing) -> bytes:
    state = make(b"%b %d\0" % (kind, len(content)))
    state.update(content)
    return bytes(state.digest())
