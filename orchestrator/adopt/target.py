"""Where an adopted template is written: a workspace that is there, or a new one; planned first, then written."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from orchestrator.adopt.carried_files import AdoptedFile
from orchestrator.adopt.naming import legal_name
from orchestrator.adopt.written import extended, new_workspace
from orchestrator.brought import REQUIREMENTS
from orchestrator.definition.levels.extended import BUILTIN_ROOT
from orchestrator.definition.workspace import Workspace, load
from orchestrator.definition.workspace_file import FILE
from orchestrator.errors import DefinitionError, UsageError
from orchestrator.requirements.bring import locked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orchestrator.adopt.adoption import Adoption
    from orchestrator.errors import Problem

Became = Literal["new", "changed", "same"]


@dataclass(frozen=True)
class Target:
    """A folder, and the workspace that it is, or that a new one in it extends."""

    folder: Path
    workspace: Workspace
    is_new: bool

    @property
    def requirements(self) -> bytes | None:
        """What the `requirements.yml` of the folder has; None when it has none."""
        path = self.folder / REQUIREMENTS
        return path.read_bytes() if path.is_file() else None


@dataclass(frozen=True)
class FileChange:
    """What writing a file does."""

    file: AdoptedFile
    change: Became


def target_of(to: Path | None, workspace: Path) -> Target:
    """Where to write. `workspace` is a folder in the workspace that counts when `to` is none; a new one extends that.

    A new one where there is none stands by itself. Raises UsageError when there is none, and no new one is asked for.
    """
    if to is not None and (to / FILE).is_file():
        return Target(to.resolve(), load(to, whole=False), is_new=False)
    try:
        known = load(workspace, whole=False)
    except UsageError as none:
        if to is None:
            raise UsageError(none.message, hint="go to a workspace, or have a new one written: --to DIR") from none
        known = load(BUILTIN_ROOT)
    if to is None:
        return Target(known.root, known, is_new=False)
    return Target(to.resolve(), known, is_new=True)


def changes_of(adoption: Adoption, target: Target, *, force: bool) -> list[FileChange]:
    """What would be written. Raises UsageError when a file is there already, and says something else, without `force`.

    Raises DefinitionError when `ami.yml` is written so that nothing can be added to it.
    """
    changes = [_change(file, target.folder) for file in (_ami_yml(adoption, target), *adoption.files)]
    differing = [each.file.relative for each in changes[1:] if each.change == "changed"]
    if differing and not force:
        what = f"{', '.join(differing)} in {target.folder} would be overwritten"
        raise UsageError(what, hint="--force overwrites, --to FOLDER writes elsewhere")
    return changes


def write(changes: list[FileChange], target: Target) -> None:
    """Write what changed; `ami.yml`, which names all the rest, comes last."""
    first, *others = changes
    for each in (*others, first):
        if each.change == "same":
            continue
        path = target.folder / each.file.relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(each.file.content)
        if each.file.executable:
            path.chmod(path.stat().st_mode | 0o111)


def problems_of_result(target: Target) -> Iterator[Problem]:
    """What is still missing in the workspace that was written."""
    try:
        locked(target.folder)
        load(target.folder)
    except DefinitionError as error:
        yield from error.problems


def _ami_yml(adoption: Adoption, target: Target) -> AdoptedFile:
    path = target.folder / FILE
    if target.is_new:
        root = target.workspace.root
        extends = "" if root == BUILTIN_ROOT else os.path.relpath(root, target.folder)
        text = new_workspace(legal_name(target.folder.name), extends, adoption.environment)
    else:
        text = path.read_text(encoding="utf-8")
    return AdoptedFile(FILE, extended(text, path, adoption.sources, adoption.layers).encode())


def _change(file: AdoptedFile, folder: Path) -> FileChange:
    path = folder / file.relative
    if not path.exists():
        return FileChange(file, "new")
    same = path.is_file() and path.read_bytes() == file.content
    return FileChange(file, "same" if same else "changed")
