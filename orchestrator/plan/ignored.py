"""Files that people and programs leave beside what they write, and those that `.gitignore` names.

They decide nothing, unless a play names them: see `reach`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pathspec import GitIgnoreSpec

#: Names of what editors, desktops and Python leave behind: swap files, backups, locks, compiled modules.
_LEFT_BEHIND = re.compile(
    r"""
      \.DS_Store | \._.* | Thumbs\.db | desktop\.ini
    | __pycache__ | .*\.py[co] | \.(?:pytest|mypy|ruff)_cache
    | \..*\.sw[a-p] | .*~ | \#.*\# | \.\#.* | 4913
    | \.git | \.ami
    """,
    re.VERBOSE | re.DOTALL,
)


def is_left_behind(name: str) -> bool:
    """Whether a file or folder of this name is a leftover: `.DS_Store`, `main.yml~`, `.main.yml.swp`, `__pycache__`."""
    return _LEFT_BEHIND.fullmatch(name) is not None


class Ignored:
    """What the `.gitignore` files of a repository name; each file is read once.

    A folder that is in no repository has the `.gitignore` files that lie in it. Personal ignore files do not count,
    because two clones must have the same fingerprints.
    """

    def __init__(self, *, unheard: bool = False, tops: Iterable[Path] = ()) -> None:
        """`unheard`: nothing is ignored. `tops` are folders that nothing above decides about, as that of a package
        which lies in the ignored `.venv` of somebody's repository.
        """
        self._unheard = unheard
        self._tops = frozenset(tops)
        self._specs: dict[Path, GitIgnoreSpec | None] = {}
        self._known: dict[tuple[str, bool], bool] = {}
        self._above: dict[Path, tuple[tuple[Path, GitIgnoreSpec], ...]] = {}

    def names(self, path: str, *, folder: bool) -> bool:
        """Whether a `.gitignore` names a file or folder, or one of the folders that it lies in."""
        if self._unheard:
            return False
        key = (path, folder)
        if key not in self._known:
            self._known[key] = self._names(Path(path), folder=folder)
        return self._known[key]

    def _names(self, path: Path, *, folder: bool) -> bool:
        specs = self._specs_of(path.parent)
        if not specs:
            return False
        top = specs[0][0]
        if path.parent != top and self.names(str(path.parent), folder=True):
            return True
        verdict: bool | None = None
        for where, spec in specs:  # the nearest file has the last word (gitignore(5))
            said = spec.check_file(path.relative_to(where).as_posix() + "/" * folder).include
            verdict = verdict if said is None else said
        return bool(verdict)

    def _specs_of(self, folder: Path) -> tuple[tuple[Path, GitIgnoreSpec], ...]:
        """The specs that hold in a folder, the outermost first."""
        if folder not in self._above:
            end = folder in self._tops or (folder / ".git").exists() or folder == folder.parent
            above = () if end else self._specs_of(folder.parent)
            own = _spec(folder / ".gitignore")
            self._above[folder] = (*above, (folder, own)) if own is not None else above
        return self._above[folder]


@lru_cache(maxsize=1024)
def _read(content: bytes) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec  # noqa: PLC0415 - most folders have no .gitignore

    return GitIgnoreSpec.from_lines(content.decode("utf-8", "replace").splitlines())


def _spec(path: Path) -> GitIgnoreSpec | None:
    try:
        return _read(path.read_bytes())
    except OSError:
        return None
