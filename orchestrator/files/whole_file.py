"""Files that are there whole or not at all: on a full disk nothing stays that looks like a result."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

LOG = logging.getLogger(__name__)


class TextSink(Protocol):
    """What takes texts: a RecordFile, or any file."""

    def write(self, text: str, /) -> object:
        """Append a text."""


def write_whole(path: Path, text: str, *, errors: str = "strict") -> None:
    """Write a file in UTF-8. Raises OSError, which names it; what was there before stays then.

    `errors` says what becomes of characters that UTF-8 has no bytes for, as in `open`.
    """
    content = text.encode("utf-8", errors)
    if path.exists() and not path.is_file():  # a device, such as /dev/stdout, cannot be replaced
        path.write_bytes(content)
        return
    coming = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        coming.write_bytes(content)
        coming.replace(path)
    except OSError as error:  # the system names a file only where it opens one
        coming.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from error


class RecordFile:
    """A file to which lines are appended while something goes on, which goes on without it when the disk is full.

    The file is removed then, and nothing more is written: half of it would be read as the whole.
    """

    def __init__(self, path: Path, *, errors: str = "strict") -> None:
        self._path = path
        self._errors = errors
        self._lost = False
        self._file = path.open("ab", buffering=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, text: str) -> None:
        """Append a text in UTF-8, at once."""
        rest = text.encode("utf-8", self._errors)
        try:
            while rest and not self._lost:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            self._lost = True
            self._path.unlink(missing_ok=True)
            LOG.warning("%s is not kept: %s", self._path, error.strerror)
