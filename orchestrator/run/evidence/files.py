"""The files of a run: which there are, and how each is put into the bucket."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

from orchestrator.masks import known
from orchestrator.process import masked

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

#: Ends of the names of logs: they are kept compressed.
_LOGS = (".log", ".jsonl")
_ZIPPED = ".gz"


def files_of(folder: Path) -> tuple[str, ...]:
    """The paths of all regular files below a run's folder, relative to it, in order. A link is none of them."""
    found = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return tuple(sorted(path.relative_to(folder).as_posix() for path in found))


def is_log(path: str) -> bool:
    """Whether a file grows line by line, and is kept compressed."""
    return path.endswith(_LOGS)


def name_in_bucket(path: str) -> str:
    """The name under which a file is kept, below that of its run: `web/packer.log.gz`."""
    return path + _ZIPPED if is_log(path) else path


def packed(folder: Path, path: str, secrets: Iterable[str]) -> bytes:
    """The content of a file as it is kept: without secrets, of a log compressed.

    What is on disk was masked when it was written, unless the run was killed before it came to that. Raises OSError.
    """
    content = (folder / path).read_bytes()
    if masks := (*known(), *secrets):
        text = content.decode("utf-8", "surrogateescape")
        content = masked(text, masks).encode("utf-8", "surrogateescape")
    return gzip.compress(content, mtime=0) if is_log(path) else content


def unpacked(path: str, content: bytes) -> bytes:
    """The content of a file, from what was kept of it. Raises OSError when that is broken."""
    return gzip.decompress(content) if is_log(path) else content
