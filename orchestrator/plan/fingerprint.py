"""The content hash of everything that decides what a build's result is, chained with its parent's.

Hashing is pure: `layer_inputs` collects the bytes, `fingerprint` digests them. What does not change the result (tests,
READMEs, descriptions, owners) is left out.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

#: Raised when the way of hashing changes, so that old fingerprints never match by accident.
FORMAT = 1

#: Folders and files of a role that never reach a machine.
_NOT_APPLIED = frozenset({"tests", "README.md", "__pycache__", ".pytest_cache"})


def role_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The files of a role that decide what it does: (path within the role and executable bit, content), sorted."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and _NOT_APPLIED.isdisjoint(parts):
            executable = "x" if path.stat().st_mode & 0o100 else "-"
            yield f"{executable} {'/'.join(parts)}", path.read_bytes()


def digest(label: str, entries: Iterable[tuple[str, bytes]]) -> str:
    """SHA-256 of a labelled list of named contents. Lengths are hashed too, so that no two lists collide by joining."""
    state = hashlib.sha256(f"{FORMAT} {label}\n".encode())
    for name, content in entries:
        state.update(f"{len(name)} {name} {len(content)}\n".encode())
        state.update(content)
    return state.hexdigest()


def canonical(values: Mapping[str, Any]) -> bytes:
    """One JSON text per value: keys sorted, no spaces."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str).encode()
