"""Files that count only when something names them, and every name by which they can be found."""

from __future__ import annotations

import fnmatch
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.definition.roles.group_vars import FOLDER
from orchestrator.plan.ignored import is_left_behind
from orchestrator.plan.reach.folder import PLACES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from orchestrator.plan.fingerprint import Entry

_GLOB = re.compile(r"[*?\[]")


def leads_out(text: str) -> bool:
    """Whether a text names a file by a path that may lie outside of where Ansible looks."""
    return text.startswith(("/", "~", "{{")) or ".." in text.split("/")


def has_wildcards(text: str) -> bool:
    """Whether a name may stand for several files."""
    return _GLOB.search(text) is not None


@dataclass(frozen=True)
class Waiting:
    """The files that wait to be named, by their paths, and the folders in which Ansible looks for a file."""

    files: Mapping[str, Entry]
    bases: Sequence[str]
    #: The paths of the files that a name stands for: their own names, and those of the folders above them.
    index: Mapping[str, set[str]]

    def named(self, text: str) -> list[Entry]:
        """The files that a text names, in the order of their paths."""
        name = os.path.normpath(text)
        found = set(self.index.get(name, ()))
        if has_wildcards(text):
            found |= self._fitting(name)
        return [self.files[path] for path in sorted(found)]

    def computed(self, shape: str, but: frozenset[str]) -> list[Entry]:
        """The files that a name may be which is computed at run time, other than leftovers and those of `but`."""
        found = {path for path in self._fitting(shape) - but if not _is_meant_by_nobody(path)}
        if FOLDER not in shape:  # Ansible takes these by the names of groups, and the machine's count already
            found = {path for path in found if f"/{FOLDER}/" not in path}
        return [self.files[path] for path in sorted(found)]

    def _fitting(self, shape: str) -> set[str]:
        return {path for name, paths in self.index.items() if fnmatch.fnmatchcase(name, shape) for path in paths}


def waiting(entries: Iterable[Entry], bases: Sequence[str]) -> Waiting:
    """The given files, to be named from the given folders."""
    files = {entry.path: entry for entry in entries}
    return Waiting(files, bases, _index(files, bases))


def _index(files: Iterable[str], bases: Sequence[str]) -> dict[str, set[str]]:
    index: dict[str, set[str]] = {}
    for path in files:
        for base in bases:
            if path.startswith(f"{base}/"):
                name = path[len(base) + 1 :]
                index.setdefault(base, set()).add(path)
                while name:
                    index.setdefault(name, set()).add(path)
                    index.setdefault(f"{base}/{name}", set()).add(path)
                    name = name.rpartition("/")[0]
    for place in PLACES[1:]:  # `src: ./` and the like
        for base in bases:
            if base.endswith(f"/{place}"):
                index.setdefault(".", set()).update(index.get(base, ()))
    return index


def _is_meant_by_nobody(path: str) -> bool:
    """Whether a file is a leftover that no computed name means. Below a folder of `files/` it may be copied with it."""
    return is_left_behind(path.rpartition("/")[2]) and re.search(r"/(files|templates)/.*/", path) is None
