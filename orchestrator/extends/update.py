"""What `ami update` does to the lock of a workspace: the old commit, the new one, and what comes between."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from orchestrator.errors import DefinitionError
from orchestrator.extends.checkout import checkout_of
from orchestrator.extends.pin import DIGITS, ExtendsPin
from orchestrator.extends.repository import FoundRef, LogLine, Repository

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.extends.place import GitPlace

#: Commits that are listed; the rest is counted.
_LISTED = 20
#: What stands before a version in a tag, as `v` or `factory-`, and the version.
_TAG = re.compile(r"(.*?)(\d+(?:\.\d+)+.*)")


@dataclass(frozen=True)
class PinUpdate:
    """The pin of a place as it is, and as it would be."""

    place: GitPlace
    #: None when there is no lock, or one that cannot be read.
    old: ExtendsPin | None
    new: ExtendsPin
    #: What the ref is: `tag`, `branch` or `commit`.
    kind: str
    #: The newest commits that the new one has and the old one has not, and how many there are.
    coming: tuple[LogLine, ...] = ()
    coming_count: int = 0
    #: How many commits the old one has and the new one has not.
    going_count: int = 0
    #: Tags of higher versions than the ref is, the lowest first.
    newer: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether the lock stays as it is."""
        return self.old == self.new

    @property
    def is_moved_tag(self) -> bool:
        """Whether a tag that is locked is at another commit by now."""
        return self.kind == "tag" and self.old is not None and self.old.answers(self.place) and not self.is_empty


def planned(place: GitPlace, old: ExtendsPin | None) -> tuple[PinUpdate, Path]:
    """What an update of a lock would do, and the folder with the files of the new commit.

    Raises DefinitionError, at the place, for a ref that is not there and a commit that is refused; LackError when the
    repository cannot be reached.
    """
    repository = Repository(place)
    repository.fetch()
    found = _found(repository, place, old)
    repository.keep(found.commit)
    new = ExtendsPin(place.url, place.ref, place.folder, found.commit, repository.tree(found.commit))
    folder = checkout_of(place, new)
    newer = newer_tags(place.ref, repository.tags())
    if old is None or old.commit == new.commit or not repository.has(old.commit):
        return PinUpdate(place, old, new, found.kind, newer=newer), folder
    return PinUpdate(
        place,
        old,
        new,
        found.kind,
        coming=tuple(repository.log(old.commit, new.commit, _LISTED)),
        coming_count=repository.count(old.commit, new.commit),
        going_count=repository.count(new.commit, old.commit),
        newer=newer,
    ), folder


def _found(repository: Repository, place: GitPlace, old: ExtendsPin | None) -> FoundRef:
    try:
        return repository.find(place.ref)
    except DefinitionError as error:
        if old is None or not old.answers(place):
            raise
        gone = place.problem(f"{error.problems[0].what}; it was at commit {old.commit[:DIGITS]}, which stays locked")
        raise DefinitionError([gone], hint="ask its owner, or change `ref`") from error


def newer_tags(ref: str, tags: list[str]) -> tuple[str, ...]:
    """The tags of higher versions than a ref is, the lowest first; none when the ref is no version.

    >>> newer_tags("v1.4.0", ["v1.10.0", "v1.9.0", "v1.3.0", "v2.0.0rc1", "other-3.0"])
    ('v1.9.0', 'v1.10.0')
    """
    known = {tag: found for tag in (*tags, ref) if (found := _version(tag))}
    if ref not in known:
        return ()
    prefix, version = known[ref]
    higher = {
        each: tag
        for tag, (before, each) in known.items()
        if before == prefix and each > version and (version.is_prerelease or not each.is_prerelease)
    }
    return tuple(tag for _, tag in sorted(higher.items()))


def _version(tag: str) -> tuple[str, Version] | None:
    parts = _TAG.fullmatch(tag)
    try:
        return (parts[1], Version(parts[2])) if parts else None
    except InvalidVersion:
        return None
