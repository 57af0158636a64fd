"""A level in a git repository: its place as `ami.yml` has it, and its files as `ami.lock` pins them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.definition.reading.extends_lock import read_extends_lock
from orchestrator.errors import DefinitionError, did_you_mean
from orchestrator.extends.checkout import HINT, checkout_of
from orchestrator.extends.place import GitPlace

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.definition.levels.extends import Extends
    from orchestrator.definition.reading.document import Document
    from orchestrator.errors import Problem

#: As `definition.workspace_file.FILE`, which imports this room.
_FILE = "ami.yml"
#: Where commands look for a workspace when none is found where it was said to be.
_DEEPEST = 3


@dataclass(frozen=True)
class GitLevel:
    """A workspace whose files are here now: its folder, and the commit that they are of."""

    root: Path
    place: GitPlace
    commit: str


def place_of(document: Document, written: Extends) -> GitPlace:
    """The repository that the `extends` of an `ami.yml` names; `written` has its `git`."""
    folder = (written.folder or "").rstrip("/")
    return GitPlace(written.git or "", written.ref or "", folder, document.path, document.place("extends", "git").key)


def from_git(root: Path, place: GitPlace, problems: list[Problem]) -> GitLevel | None:
    """The level that the workspace at `root` extends, as its lock pins it; fetched when this machine lacks it.

    None when something is wrong, which goes to `problems`. Raises LackError when the commit is not here and cannot be
    fetched.
    """
    found: list[Problem] = []
    pin = read_extends_lock(root, found)
    if found:
        problems += found
        return None
    try:
        top = checkout_of(place, pin)
        level = top / place.folder
        check_level(place, top)
    except DefinitionError as error:
        problems += [_with_hint(problem, error.hint) for problem in error.problems]
        return None
    return GitLevel(level, place, pin.commit if pin else "")


def check_level(place: GitPlace, top: Path) -> None:
    """Raise DefinitionError, with the nearest folder that is one, when there is no workspace in a place."""
    if (top / place.folder / _FILE).is_file():
        return
    depth = (f"{'*/' * deep}{_FILE}" for deep in range(_DEEPEST))
    there = sorted(path.parent.relative_to(top).as_posix() for pattern in depth for path in top.glob(pattern))
    inner = [name for name in there if name != "."]
    near = did_you_mean(place.folder, inner) or (f"; there is one in: {', '.join(inner)}" if inner else "")
    raise DefinitionError([place.problem(f"there is no {_FILE} in {place}{near}")])


def _with_hint(problem: Problem, hint: str) -> Problem:
    """The problem with what to do about it: among those of all files it has no hint of its own."""
    return replace(problem, what=f"{problem.what}; {f'run `{hint}`' if hint == HINT else hint}") if hint else problem
