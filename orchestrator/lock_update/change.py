"""The lock of a workspace that extends a git repository: what an update would change, and the change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.definition.levels.extended import extended
from orchestrator.definition.levels.extends import as_extends
from orchestrator.definition.levels.from_git import check_level, place_of
from orchestrator.definition.reading.document import read
from orchestrator.definition.reading.extends_lock import read_extends_lock
from orchestrator.definition.wording import validated
from orchestrator.definition.workspace import from_here, root_of
from orchestrator.definition.workspace_file import FILE, WorkspaceFile
from orchestrator.errors import DefinitionError
from orchestrator.extends.checkout import folder_of
from orchestrator.extends.pin import LOCK
from orchestrator.extends.place import GitPlace
from orchestrator.extends.update import PinUpdate, planned
from orchestrator.files.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from orchestrator.definition.levels.origin import LevelOrigin
    from orchestrator.errors import Problem


@dataclass(frozen=True)
class LockUpdate:
    """What an update of the lock at `path` would do, and the levels below the one that is locked.

    `before` has the levels below the old commit; None when its files are not on this machine.
    """

    path: Path
    pin: PinUpdate
    #: The folder of the workspace that is locked, at the new commit.
    level: Path
    below: tuple[LevelOrigin, ...]
    before: tuple[LevelOrigin, ...] | None

    @property
    def fits(self) -> bool:
        """Whether the lock, as it is, is for what `ami.yml` says."""
        return self.pin.old is not None and self.pin.old.answers(self.pin.place)

    def write(self) -> None:
        """Write the lock."""
        write_whole(self.path, self.pin.new.text())


def unfetched(start: Path) -> GitPlace | None:
    """The repository that a workspace extends, when its lock fits and this machine lacks the files of the commit: what
    loads the workspace fetches them then.
    """
    root = root_of(start)
    document = read(root / FILE, [])
    written = as_extends(document.value.get("extends")) if document else None
    if not isinstance(written, dict) or "git" not in written:
        return None
    pin = read_extends_lock(root, [])
    if pin is None or pin.url != written["git"] or folder_of(pin.commit).is_dir():
        return None
    return GitPlace(pin.url, pin.ref, pin.folder)


def lock_update(root: Path, tell: Callable[[str], None]) -> LockUpdate | None:
    """The update of the lock of the workspace at `root`; None when it extends no repository. Nothing is written.

    What the new commit needs is in the cache then: it is usable without a network. `tell` hears of what takes time.
    Raises DefinitionError for mistakes in `ami.yml` and in what the levels below extend, and as `planned` does;
    LackError as `planned` does.
    """
    try:
        return _lock_update(root, tell)
    except DefinitionError as error:
        raise DefinitionError(map(from_here, error.problems), hint=error.hint) from error


def _lock_update(root: Path, tell: Callable[[str], None]) -> LockUpdate | None:
    problems: list[Problem] = []
    document = read(root / FILE, problems)
    file = validated(WorkspaceFile, document, problems) if document else None
    if problems or document is None or file is None:
        raise DefinitionError(problems)
    if file.extends is None or file.extends.git is None:
        return None
    place = place_of(document, file.extends)
    old = read_extends_lock(root, [])  # one that cannot be read is written anew
    tell(f"fetching {place.url}")
    pin, top = planned(place, old)
    check_level(place, top)
    below = _origins(top / place.folder)
    before = None
    if old is not None and old.commit != pin.new.commit and folder_of(old.commit).is_dir():
        before = _origins(folder_of(old.commit) / old.folder, strict=False)
    return LockUpdate(root / LOCK, pin, top / place.folder, below, before)


def _origins(root: Path, *, strict: bool = True) -> tuple[LevelOrigin, ...]:
    """Where the levels below a workspace come from, the nearest first; the built-in one is left out."""
    trail: list[Path] = [root]
    origins: list[LevelOrigin] = []
    problems: list[Problem] = []
    while document := read(trail[-1] / FILE, problems):
        below = extended(document, tuple(trail), problems)
        if below is None or below.origin.is_builtin:
            break
        trail.append(below.root)
        origins.append(below.origin)
    if problems and strict:
        raise DefinitionError(problems)
    return tuple(origins)
