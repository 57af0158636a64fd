"""From what is written to what exactly is meant: each requirement, and what that depends on, becomes a pin.

What the lock pins stays as it is until its requirement changes, or everything is upgraded.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion

from orchestrator.errors import DefinitionError, Problem
from orchestrator.files.held_folder import held_folder
from orchestrator.requirements import content
from orchestrator.requirements.depends import depends_on
from orchestrator.requirements.fetch import Fetched, Fetcher
from orchestrator.requirements.lock import Lock, Pin
from orchestrator.requirements.safety import core_trouble
from orchestrator.requirements.written import Kind, RequirementEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from pathlib import Path


@contextmanager
def fetcher_of(root: Path) -> Iterator[Fetcher]:
    """A fetcher for the requirements of the workspace at `root`, with a folder that is removed afterwards."""
    with held_folder() as work:
        yield Fetcher(root, work)


def install(fetcher: Fetcher, lock: Lock, pin: Pin, tell: Callable[[str], None]) -> None:
    """Bring what a pin says into the cache, unless it is there.

    Raises DefinitionError when its source has other content by now, and as `Fetcher.fetch` does.
    """
    if content.is_there(pin.sha256, checked=True):
        return
    tell(f"installing {pin} {pin.version} from {pin.source}")
    (fetched,) = (one for one in fetcher.fetch(pin.requirement(lock.path)) if one.name == pin.name)
    if (found := content.keep(fetched.folder)) != pin.sha256:
        what = f"{pin}: '{pin.source}' has other content now: its digest is {found}, and not {pin.sha256}"
        raise DefinitionError(
            [lock.problem(pin, what)], hint="look what changed; `ami deps --upgrade` takes it as it is"
        )


def resolved(
    requirements: Iterable[RequirementEntry],
    old: Lock,
    fetcher: Fetcher,
    *,
    upgrade: bool,
    local: Collection[str],
    tell: Callable[[str], None],
) -> Lock:
    """The lock for requirements; all that it pins is in the cache then.

    `local` are the names of roles and collections that the workspace has itself. Raises DefinitionError, at the
    requirement, for what does not fit together.
    """
    work = _Resolution(old, fetcher, upgrade, frozenset(local), tell)
    waiting = list(requirements)
    while waiting:
        one = waiting.pop(0)
        if one.by and work.is_met(one):
            continue
        for pin in work.pins_of(one):
            waiting += work.add(pin, one)
    if work.problems:
        raise DefinitionError(work.problems)
    return Lock(old.path, tuple(work.pins.values()))


@dataclass
class _Resolution:
    old: Lock
    fetcher: Fetcher
    upgrade: bool
    local: frozenset[str]
    tell: Callable[[str], None]
    pins: dict[tuple[Kind, str], Pin] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def is_met(self, one: RequirementEntry) -> bool:
        """Whether something brings what a dependency asks for; of another version it is a problem."""
        if one.name in self.local:
            return True
        pin = self.pins.get((one.kind, one.name))
        if pin is not None and one.kind is Kind.COLLECTION and not fits(pin.version, one.version):
            what = f"{pin} is {pin.version} here, and '{one.by}' depends on {one.version}"
            self.problems.append(one.problem(what))
        return pin is not None

    def pins_of(self, one: RequirementEntry) -> tuple[Pin, ...]:
        """The pins of a requirement: those that the lock has, or new ones."""
        if not self.upgrade and (kept := self._kept(one)):
            for pin in kept:
                install(self.fetcher, self.old, pin, self.tell)
            return kept
        self.tell(f"fetching {one} from {one.source}")
        return tuple(pin_of(one, fetched) for fetched in self.fetcher.fetch(one))

    def _kept(self, one: RequirementEntry) -> tuple[Pin, ...]:
        if not one.by:
            return self.old.of(one)
        known = [pin for pin in self.old.pins if pin.by and (pin.kind, pin.name) == (one.kind, one.name)]
        return tuple(pin for pin in known if pin.wanted == one.version and pin.source == one.source)

    def add(self, pin: Pin, one: RequirementEntry) -> list[RequirementEntry]:
        """Take a pin: what it depends on."""
        key = (pin.kind, pin.name)
        if key in self.pins:
            self.problems.append(one.problem(f"{pin} comes from '{pin.source}' and from '{self.pins[key].source}'"))
            return []
        if not one.by and pin.name in self.local:
            where = f"roles/{pin.name}" if pin.kind is Kind.ROLE else f"collections/ for {pin.name}"
            self.problems.append(one.problem(f"{pin} is in the workspace itself, and that one goes first: see {where}"))
        self.pins[key] = pin
        folder = content.place_of(pin.sha256)
        if pin.kind is Kind.COLLECTION and (trouble := core_trouble(folder)):
            self.problems.append(one.problem(f"{pin} {pin.version}: {trouble}"))
        return [replace(each, by=pin.name, path=one.path, line=one.line) for each in depends_on(pin, folder)]


def pin_of(one: RequirementEntry, fetched: Fetched) -> Pin:
    """The pin of what a requirement has brought; its content goes into the cache."""
    return Pin(
        kind=one.kind,
        name=fetched.name,
        way=one.way,
        source=one.source,
        version=fetched.version,
        sha256=content.keep(fetched.folder),
        wanted=one.version,
        server=one.server,
        commit=fetched.commit,
        archive=fetched.archive,
        by=one.by,
    )


def fits(version: str, wanted: str) -> bool:
    """Whether a version is in a range as collections write it (Ansible, "Collection Galaxy metadata structure").

    >>> fits("1.2.0", ">=1.0.0,<2.0.0"), fits("1.2.0", "*"), fits("1.2.0", "1.3.0")
    (True, True, False)
    """
    parts = [part.strip() for part in wanted.split(",") if part.strip() not in ("", "*")]
    try:
        ranges = SpecifierSet(",".join(part if part[0] in "<>=!" else f"=={part}" for part in parts))
        return ranges.contains(version, prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return True  # ansible-galaxy takes versions that Python's rules do not know
