"""The files of a pipeline as they are in a repository: which are new, old, or changed by hand; and writing them.

The first line of each has a digest of the rest: what has another one was changed by hand, and stays as it is.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from orchestrator.files.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from orchestrator.cli.pipelines.pipeline import Pipeline

_MARK = re.compile(r"(?:#|//) Written by `ami ci \w+`, digest (?P<digest>[0-9a-f]{16})\.")


class FileState(StrEnum):
    """What a file is, compared with what would be written."""

    NEW = "new"
    SAME = "same"
    #: As it was written, by another version or from other facts.
    OLD = "old"
    #: Changed by hand, or never written by this command.
    BY_HAND = "by-hand"


@dataclass(frozen=True)
class PlannedFile:
    """A file of a pipeline: what it has, and what would be written."""

    path: str
    place: Path
    state: FileState
    was: str
    text: str

    @property
    def diff(self) -> list[str]:
        """The lines that differ, as `diff -u` shows them; none for a new file."""
        if self.state in {FileState.NEW, FileState.SAME}:
            return []
        lines = difflib.unified_diff(
            self.was.splitlines(),
            self.text.splitlines(),
            f"{self.path}, as it is",
            f"{self.path}, as written",
            "",
            "",
            2,
            "",
        )
        return list(lines)

    def write(self) -> None:
        """Write it; where a link stands, what that leads to."""
        self.place.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self.place.resolve(), self.text)


def planned(repository: Path, pipeline: Pipeline, texts: Mapping[str, str]) -> list[PlannedFile]:
    """Each file of a pipeline, in the order in which they are written."""
    return [
        _planned(path, repository / path, marked(text, pipeline.service, pipeline.comment))
        for path, text in texts.items()
    ]


def marked(text: str, service: str, comment: str) -> str:
    """A text below the line that says how it came to be."""
    return f"{comment} Written by `ami ci {service}`, digest {_digest(text)}. Changed by hand, it is kept.\n{text}"


def _planned(path: str, place: Path, text: str) -> PlannedFile:
    if not place.exists():
        return PlannedFile(path, place, FileState.NEW, "", text)
    was = place.read_text(encoding="utf-8", errors="replace")
    if was == text:
        return PlannedFile(path, place, FileState.SAME, was, text)
    first, _, rest = was.partition("\n")
    mark = _MARK.match(first)
    untouched = mark is not None and mark["digest"] == _digest(rest)
    return PlannedFile(path, place, FileState.OLD if untouched else FileState.BY_HAND, was, text)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
