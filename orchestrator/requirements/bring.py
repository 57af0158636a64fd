"""What a workspace requires, brought to it: the lock is compared with what is written, content with its digest.

Nothing that no lock pins is fetched here, and nothing at all when the cache has everything.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.brought import BROUGHT, COLLECTIONS, REQUIREMENTS, collections_in, folders_in
from orchestrator.definition.workspace import from_here, root_of, roots_of
from orchestrator.errors import DefinitionError, LackError, Problem
from orchestrator.files.whole_file import write_whole
from orchestrator.requirements import content
from orchestrator.requirements.lock import LOCK, Lock, Pin, misfits, read_lock
from orchestrator.requirements.resolve import fetcher_of, install, resolved
from orchestrator.requirements.safety import core_trouble
from orchestrator.requirements.written import Kind, read_requirements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from orchestrator.contract.setup import RequirementJson

_HINT = "ami deps"


@dataclass(frozen=True)
class Locked:
    """A pin, and the lock that it stands in."""

    lock: Lock
    pin: Pin

    def as_json(self) -> RequirementJson:
        """A JSON object: the pin, and whether this machine has its content."""
        pin = self.pin
        return {
            "kind": pin.kind.value,
            "name": pin.name,
            "way": str(pin.way),
            "source": pin.source,
            "version": pin.version,
            "wanted": pin.wanted or None,
            "server": pin.server or None,
            "commit": pin.commit or None,
            "sha256": pin.sha256,
            "archive_sha256": pin.archive or None,
            "by": pin.by or None,
            "lock": str(self.lock.path),
            "installed": content.is_there(pin.sha256, checked=True),
        }


def locked(start: Path) -> tuple[Locked, ...]:
    """What the locks of a workspace and of those that it extends pin; of two with one name the nearest.

    Raises DefinitionError when a lock does not fit its `requirements.yml`, or one of both cannot be read.
    """
    problems: list[Problem] = []
    found: dict[str, Locked] = {}
    for root in roots_of(root_of(start)):
        own: list[Problem] = []
        requirements, lock = read_requirements(root, own), read_lock(root, own)
        problems += own or misfits(lock, requirements)
        for pin in lock.pins:
            found.setdefault(pin.link, Locked(lock, pin))
    if problems:
        raise DefinitionError(map(from_here, problems), hint=_HINT)
    return tuple(found.values())


def bring(start: Path, *, fetch: bool, tell: Callable[[str], None]) -> tuple[Locked, ...]:
    """Let the workspace have what its locks pin, and each one that it extends what theirs do: their images are made of
    that, whatever stands above. The result is what the workspace itself has.

    With `fetch`, what the cache does not have is installed, and what it has is compared with its digest. Without,
    LackError says what is missing. Raises DefinitionError as `locked` and `install` do, and for a collection that wants
    another ansible-core.
    """
    found: tuple[Locked, ...] = ()
    for root in reversed(roots_of(root_of(start))):
        found = _bring(root, fetch=fetch, tell=tell)
    return found


def _bring(root: Path, *, fetch: bool, tell: Callable[[str], None]) -> tuple[Locked, ...]:
    """The same for one workspace alone."""
    if not any((place / name).exists() for place in roots_of(root) for name in (REQUIREMENTS, LOCK, BROUGHT)):
        return ()
    wanted = locked(root)
    missing = [one for one in wanted if not content.is_there(one.pin.sha256, checked=fetch)]
    if missing and not fetch:
        names = ", ".join(f"{one.pin} {one.pin.version}" for one in missing)
        raise LackError(f"not installed on this machine, although {LOCK} has it: {names}", hint=_HINT)
    for place in {one.lock.path.parent for one in missing}:
        with fetcher_of(place) as fetcher:
            for one in missing:
                if one.lock.path.parent == place:
                    install(fetcher, one.lock, one.pin, tell)
    _check_core(wanted)
    try:
        _link(root, {one.pin.link: content.place_of(one.pin.sha256) for one in wanted})
    except PermissionError as error:
        raise LackError(f"{root / BROUGHT} cannot be written: what {LOCK} pins is linked there") from error
    return wanted


def renew(start: Path, *, upgrade: bool, tell: Callable[[str], None]) -> tuple[Lock, bool]:
    """Resolve the requirements of the workspace itself and write its lock: the lock, and whether it changed.

    Raises DefinitionError, at the requirement, for all that is wrong with one.
    """
    root = root_of(start)
    problems: list[Problem] = []
    requirements = read_requirements(root, problems)
    if problems:
        raise DefinitionError(map(from_here, problems))
    old = read_lock(root, problems)  # one that cannot be read is written anew
    with fetcher_of(root) as fetcher:
        try:
            lock = resolved(requirements, old, fetcher, upgrade=upgrade, local=set(_local(root)), tell=tell)
        except DefinitionError as error:
            raise DefinitionError(map(from_here, error.problems), hint=error.hint) from error
    before = old.path.read_text(encoding="utf-8") if old.path.is_file() else ""
    if lock.text() == before or not (lock.pins or before):
        return lock, False
    write_whole(old.path, lock.text())
    return lock, True


def _local(root: Path) -> Iterator[str]:
    """The names of the roles and collections that the workspace and what it extends have themselves."""
    for place in roots_of(root):
        yield from folders_in(f"{place}/roles")
        for folder in (place / COLLECTIONS, place / "playbooks" / COLLECTIONS):
            yield from (name for name, _ in collections_in(str(folder)))


def _check_core(wanted: Iterable[Locked]) -> None:
    problems = [
        one.lock.problem(one.pin, f"{one.pin} {one.pin.version}: {trouble}")
        for one in wanted
        if one.pin.kind is Kind.COLLECTION and (trouble := core_trouble(content.place_of(one.pin.sha256)))
    ]
    if problems:
        raise DefinitionError(map(from_here, problems))


def _link(root: Path, wanted: dict[str, Path]) -> None:
    """Make the links to the cache, and remove those that are not wanted any more. Each is replaced at once."""
    top = root / BROUGHT
    for name in _links(top) - wanted.keys():
        with suppress(FileNotFoundError):
            (top / name).unlink()
    for name, target in wanted.items():
        link = top / name
        if link.is_symlink() and link.readlink() == target:
            continue
        link.parent.mkdir(parents=True, exist_ok=True)
        if link.is_dir() and not link.is_symlink():
            shutil.rmtree(link)
        coming = link.with_name(f".{link.name}.{os.getpid()}")
        coming.unlink(missing_ok=True)
        coming.symlink_to(target)
        coming.replace(link)


def _links(top: Path) -> set[str]:
    found = [*top.glob("roles/*"), *top.glob("collections/ansible_collections/*/*")]
    return {path.relative_to(top).as_posix() for path in found}
