"""What a new workspace has to know of the one that it extends: a folder, or a git repository."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.cli.scaffold.names import role_of
from orchestrator.cli.scaffold.workspace import FILE, ExtendedWorkspace, as_yaml
from orchestrator.cli.terminal import say
from orchestrator.errors import DefinitionError, UsageError, did_you_mean
from orchestrator.files.held_folder import held_folder

if TYPE_CHECKING:
    from orchestrator.definition.workspace import Workspace

#: What a team builds on when nobody says what.
_USUAL = "golden"


@dataclass(frozen=True)
class AskedExtends:
    """What somebody typed: a folder or a URL; with a URL a ref, and a folder of the repository; and where to start."""

    place: str
    ref: str = ""
    folder: str = ""
    start: str = ""

    @property
    def is_url(self) -> bool:
        """Whether it is of a repository: `https://git.example.com/x.git`, or `git@git.example.com:x.git`."""
        return "://" in self.place or re.match(r"[\w.-]+@[\w.-]+:", self.place) is not None


def extended_by(new: Path, name: str, asked: AskedExtends) -> ExtendedWorkspace:
    """What a workspace in the folder `new`, with an image `name`, extends.

    Raises UsageError when that is no workspace or has no image or source to start from, or has an image or a role of
    the new one's name already; DefinitionError when its files have mistakes; LackError when it cannot be fetched.
    """
    if asked.is_url:
        return _repository(name, asked)
    if asked.ref or asked.folder:
        option = "--ref" if asked.ref else "--folder"
        raise UsageError(f"{option} is for the URL of a git repository, and {asked.place} is none")
    return _folder(new, name, asked)


def _folder(new: Path, name: str, asked: AskedExtends) -> ExtendedWorkspace:
    from orchestrator.definition.workspace import load

    root = Path(asked.place)
    if not (root / FILE).is_file():
        what = f"{root} is no workspace: it has no {FILE}"
        raise UsageError(what, hint="name a folder that has one, or the URL of a git repository")
    way = os.path.relpath(root.resolve(), new.resolve())
    return _known(load(root, whole=False), f" {{path: {as_yaml(way)}}}", name, asked, {})


def _repository(name: str, asked: AskedExtends) -> ExtendedWorkspace:
    """A repository, locked in a folder that is thrown away: what stays is the lock."""
    from orchestrator.definition.workspace import load
    from orchestrator.extends.pin import LOCK
    from orchestrator.lock_update import lock_update

    if not asked.ref:
        raise UsageError(f"which version of {asked.place}?", hint="name a tag or a branch: --ref v1.4.0")
    fields = {"git": asked.place, "ref": asked.ref, "folder": asked.folder}
    written = "".join(f"\n  {key}: {as_yaml(value)}" for key, value in fields.items() if value)
    with held_folder() as root:
        (root / FILE).write_text(f"name: {name}\nextends:{written}\n", encoding="utf-8")
        try:
            if update := lock_update(root, say):
                update.write()
            other = load(root, whole=False).extends
        except DefinitionError as error:
            ours = [one.what for one in error.problems if one.path.name == FILE and root in one.path.resolve().parents]
            if not ours:
                raise
            raise UsageError(f"--extends: {'; '.join(ours)}", hint=error.hint) from error
        if other is None:
            raise AssertionError("a workspace that says what it extends has it")
        return _known(other, written, name, asked, {LOCK: (root / LOCK).read_text(encoding="utf-8")})


def _known(other: Workspace, written: str, name: str, asked: AskedExtends, files: dict[str, str]) -> ExtendedWorkspace:
    _refuse_taken(other, asked.place, name)
    return ExtendedWorkspace(written, _start(other, asked), has_lab="lab" in other.environments, files=files)


def _refuse_taken(other: Workspace, place: str, name: str) -> None:
    """Raise UsageError when a workspace has an image, a source or a role of a new one's name."""
    for kind, taken, own in (
        ("an image", {each.family for each in other.images.values()}, name),
        ("a source", other.sources, name),
        ("a role", other.roles, role_of(name)),
    ):
        if own in taken:
            raise UsageError(f"{place} has {kind} '{own}' already", hint="choose another name for the folder")


def _start(other: Workspace, asked: AskedExtends) -> str:
    """The image or source to start from: as it was typed, else the usual one, the first image or the first source."""
    images = sorted({each.family for each in other.images.values()})
    known = [*images, *other.sources]
    if not known:
        raise UsageError(f"{asked.place} has no image to build on", hint="it needs one first: ami new image NAME")
    if asked.start and asked.start not in known:
        what = f"{asked.place} has no image or source '{asked.start}'{did_you_mean(asked.start, known)}"
        raise UsageError(what, hint=f"there are: {', '.join(known)}")
    return asked.start or (_USUAL if _USUAL in images else known[0])
