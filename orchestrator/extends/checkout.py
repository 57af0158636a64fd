"""From a pin to the files of its commit: in the cache by commit, compared with the pin once by each process.

What is there already needs no network and no git. A folder that differs from its pin is made anew from the clone.
"""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import DefinitionError, LackError
from orchestrator.extends.pin import DIGITS, LOCK, ExtendsPin
from orchestrator.extends.repository import Repository
from orchestrator.extends.tree import is_tree
from orchestrator.fetching.cache_folder import cache_folder
from orchestrator.fetching.git import reason
from orchestrator.fetching.inner_links import links_trouble
from orchestrator.files.held_folder import held_folder
from orchestrator.process import ProgramFailed

if TYPE_CHECKING:
    from orchestrator.extends.place import GitPlace

LOG = logging.getLogger(__name__)

#: What Python leaves in a folder that a program runs in.
_LEFT_BEHIND = "__pycache__"
#: Folders and trees that this process has compared: a command asks for one several times.
_COMPARED: set[tuple[Path, str]] = set()
#: What resolves a place anew.
HINT = "ami update"


def checkout_of(place: GitPlace, pin: ExtendsPin | None) -> Path:
    """The folder with the files of the commit that a lock pins for a place: the whole repository.

    Nothing that is not locked is fetched. Raises DefinitionError when there is no pin, or one for another place, or
    when the commit is one that is refused; LackError when it is not here and cannot be fetched.
    """
    if pin is None:
        raise DefinitionError([place.problem(f"'{place.url}' is not locked: there is no {LOCK}")], hint=HINT)
    if misfit := pin.misfit(place):
        raise DefinitionError([place.problem(misfit)], hint=HINT)
    folder = folder_of(pin.commit)
    if folder.is_dir():
        if _is_as_locked(folder, pin):
            return folder
        LOG.warning("%s was changed on this machine: it is made anew", folder)
    repository = Repository(place)
    if not repository.has(pin.commit):
        LOG.info("fetching %s", place)
        repository.fetch(pin.commit)
    if not repository.has(pin.commit):
        what = f"the commit {pin.commit[:DIGITS]} of {place} is gone from there, and this machine does not have it"
        raise DefinitionError([pin.problem(what)], hint=f"run `{HINT}`, or let whoever has it in a clone push it")
    return check_out(repository, place, pin)


def check_out(repository: Repository, place: GitPlace, pin: ExtendsPin) -> Path:
    """The folder of a commit that the clone has, made anew: it is there whole, or not at all.

    Raises DefinitionError for submodules, links that lead out of it, and files that are not what the pin says.
    """
    folder = folder_of(pin.commit)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with repository.alone(), held_folder(folder.parent) as place_for_it:
        if folder.is_dir() and is_tree(folder, pin.tree):  # another process was quicker
            return folder
        files = place_for_it / "files"
        files.mkdir()
        _write_files(repository, place, pin, files)
        if folder.exists():
            folder.rename(place_for_it / "changed")
        files.rename(folder)
    return folder


def _write_files(repository: Repository, place: GitPlace, pin: ExtendsPin, files: Path) -> None:
    if submodules := repository.submodules(pin.commit):
        raise _refused(place, pin, f"it has a submodule at '{submodules[0]}', and submodules are not fetched")
    if states := repository.states(pin.commit):
        raise _refused(place, pin, f"it has '{states[0]}', where a workspace keeps what no commit should have")
    try:
        repository.check_out(pin.commit, files)
    except ProgramFailed as failed:
        raise _damaged(repository) if repository.is_damaged() else _refused(place, pin, reason(failed)) from failed
    if trouble := links_trouble(files):
        raise _refused(place, pin, trouble)
    _set_modes(files)
    if not is_tree(files, pin.tree):
        raise _not_the_tree(repository, pin)


def folder_of(commit: str) -> Path:
    """Where the files of a commit are: messages name files in it, and 12 digits are enough to tell commits apart."""
    return _commits() / commit[:DIGITS]


def repository_of(folder: Path) -> Path | None:
    """The folder with the whole repository that a folder in the cache is part of; None for one that is not there."""
    commits = _commits()
    return commits / folder.relative_to(commits).parts[0] if commits in folder.parents else None


def _commits() -> Path:
    return cache_folder("extends").resolve()


def _is_as_locked(folder: Path, pin: ExtendsPin) -> bool:
    if (folder, pin.tree) in _COMPARED:
        return True
    if _is_tree_at_last(folder, pin):
        _COMPARED.add((folder, pin.tree))
        return True
    return False


def _is_tree_at_last(folder: Path, pin: ExtendsPin) -> bool:
    """Whether a folder is the locked tree, once what programs left in it is gone."""
    if is_tree(folder, pin.tree):
        return True
    left = [path for path in folder.rglob(_LEFT_BEHIND) if path.is_dir() and not path.is_symlink()]
    for path in left:
        shutil.rmtree(path, ignore_errors=True)
    return bool(left) and is_tree(folder, pin.tree)


def _set_modes(folder: Path) -> None:
    """Give files the modes that git knows: a person's umask would travel into images that keep modes of files."""
    for within, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = Path(within) / name
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def _refused(place: GitPlace, pin: ExtendsPin, why: str) -> DefinitionError:
    return DefinitionError([place.problem(f"{place} (commit {pin.commit[:DIGITS]}) is refused: {why}")])


def _not_the_tree(repository: Repository, pin: ExtendsPin) -> DefinitionError | LackError:
    """The lock is wrong, or the clone: git's own word for the commit's tree decides."""
    if repository.tree(pin.commit) != pin.tree:
        return DefinitionError(
            [
                pin.problem(
                    f"the commit {pin.commit[:DIGITS]} has another tree than {LOCK} says: nobody edits that file"
                )
            ],
            hint=HINT,
        )
    return _damaged(repository)


def _damaged(repository: Repository) -> LackError:
    where = repository.folder
    return LackError(f"the clone {where} is damaged", hint=f"remove it, and it is made anew: rm -rf {where}")
