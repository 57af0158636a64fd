"""The folder of the workspace that another one extends, and where it came from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

import orchestrator
from orchestrator.definition.levels.extends import Extends, as_extends
from orchestrator.definition.levels.from_git import from_git, place_of
from orchestrator.definition.levels.origin import BUILTIN, LevelOrigin
from orchestrator.extends.checkout import repository_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.definition.reading.document import Document
    from orchestrator.errors import Problem
    from orchestrator.extends.place import GitPlace

#: The workspace in the package, which every other one extends in the end.
BUILTIN_ROOT = Path(orchestrator.__file__).parent / "builtin"
#: As `definition.workspace_file.FILE`, which imports this room.
_FILE = "ami.yml"


@dataclass(frozen=True)
class Extended:
    """A workspace that another one extends: its folder, and where it came from."""

    root: Path
    origin: LevelOrigin


def extended(document: Document, trail: tuple[Path, ...], problems: list[Problem]) -> Extended | None:
    """What the workspace of an `ami.yml` extends: the built-in workspace when it names none.

    `trail` has the folders of the workspaces that lead here, the one of `document` last. What is wrong is added to
    `problems`. None when `extends` leads nowhere, and for the built-in workspace itself.
    """
    if document.value.get("extends") is None:
        return None if trail[-1] == BUILTIN_ROOT else Extended(BUILTIN_ROOT, BUILTIN)
    try:
        written = Extends.model_validate(as_extends(document.value["extends"]))
    except ValidationError:
        return None  # it is told with the mistakes of the whole file
    if written.path is None:
        return _from_git(place_of(document, written), trail, problems)
    found = list(_problems_of_folder(document, trail, written.path))
    problems += found
    return None if found else Extended(_folder(trail[-1], written.path), LevelOrigin(path=written.path))


def _from_git(place: GitPlace, trail: tuple[Path, ...], problems: list[Problem]) -> Extended | None:
    level = from_git(trail[-1], place, problems)
    if level and level.root in trail:
        problems.append(place.problem(_loop(level.root, trail)))
        return None
    return Extended(level.root, LevelOrigin(git=place.url, ref=place.ref, commit=level.commit)) if level else None


def _loop(folder: Path, trail: tuple[Path, ...]) -> str:
    return f"loop in 'extends': {' -> '.join(str(one) for one in (*trail[trail.index(folder) :], folder))}"


def _problems_of_folder(document: Document, trail: tuple[Path, ...], path: str) -> Iterator[Problem]:
    at = ("extends", "path") if isinstance(document.value["extends"], dict) else ("extends",)
    if "://" in path or path.startswith(("git@", "git+")):
        what = f"'extends' takes a folder here; a repository is written as: extends: {{git: {path}, ref: v1.0.0}}"
        yield document.problem(what, *at)
        return
    try:
        folder = _folder(trail[-1], path)
        there = (folder / _FILE).is_file()
    except (OSError, ValueError, RuntimeError):  # a name too long, a NUL in it, a ring of links
        yield document.problem("'extends' is no path of a folder", *at)
        return
    repository = repository_of(trail[-1])
    if folder in trail:
        yield document.problem(_loop(folder, trail), *at)
    elif repository and not folder.is_relative_to(repository):
        yield document.problem(f"'extends': '{path}' leads out of the repository that this workspace is in", *at)
    elif not there:
        yield document.problem(f"'extends': there is no {_FILE} in {folder}", *at)


def _folder(root: Path, path: str) -> Path:
    return (root / path).resolve()
