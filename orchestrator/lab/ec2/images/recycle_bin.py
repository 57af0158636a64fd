"""What was deleted and can be restored for some days (EBS User Guide, "Recycle Bin").

A retention rule keeps AMIs or snapshots of a region: those with one of its tags, or all without its exclusion tags.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Generic, TypeVar

from moto.core.utils import utcnow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from orchestrator.lab.ec2.ami import LabAmi, LabSnapshot

T = TypeVar("T")

IMAGE, SNAPSHOT = "EC2_IMAGE", "EBS_SNAPSHOT"


@dataclass(frozen=True)
class RetentionRule:
    """One rule; tags are key and value, a value that is None stands for any."""

    identifier: str
    resource_type: str
    days: int
    description: str = ""
    tags: tuple[tuple[str, str | None], ...] = ()
    excluded: tuple[tuple[str, str | None], ...] = ()
    unlock_delay: int | None = None
    """Days; None for a rule that was never locked."""
    unlocks: datetime | None = None
    """When a rule that was unlocked can be changed."""

    def lock_state(self, now: datetime) -> str:
        """As the Recycle Bin API Reference names it ("GetRule", LockState); empty for a rule of tags."""
        if self.tags:
            return ""
        if self.unlock_delay is None:
            return "unlocked"
        if self.unlocks is None:
            return "locked"
        return "pending_unlock" if now < self.unlocks else "unlocked"

    def keeps(self, tags: Mapping[str, str]) -> bool:
        """Whether it keeps what has these tags."""
        if self.tags:
            return _any(self.tags, tags)
        return not _any(self.excluded, tags)


def _any(wanted: Iterable[tuple[str, str | None]], tags: Mapping[str, str]) -> bool:
    return any(key in tags and value in (None, tags[key]) for key, value in wanted)


@dataclass(frozen=True)
class Binned(Generic[T]):
    """Something in the bin, and when it came and goes for good."""

    resource: T
    entered: datetime
    exits: datetime


@dataclass
class RecycleBin:
    """The bin of one account in one region, and its rules."""

    rules: dict[str, RetentionRule] = field(default_factory=dict)
    images: dict[str, Binned[LabAmi]] = field(default_factory=dict)
    snapshots: dict[str, Binned[LabSnapshot]] = field(default_factory=dict)

    def days(self, resource_type: str, tags: Mapping[str, str]) -> int:
        """For how long the rules keep something that is deleted now, the longest; 0: not at all."""
        rules = (rule for rule in self.rules.values() if rule.resource_type == resource_type)
        return max((rule.days for rule in rules if rule.keeps(tags)), default=0)

    def take_image(self, image: LabAmi | None, tags: Mapping[str, str]) -> None:
        """Keep an AMI that was deregistered, when a rule says so."""
        days = self.days(IMAGE, tags)
        if image is not None and days:
            self.images[image.id] = _binned(image, days)

    def take_snapshot(self, snapshot: LabSnapshot, tags: Mapping[str, str]) -> None:
        """Keep a snapshot that was deleted, when a rule says so."""
        days = self.days(SNAPSHOT, tags)
        if days:
            self.snapshots[snapshot.id] = _binned(snapshot, days)

    def empty(self, now: datetime) -> bool:
        """Remove for good what has been there long enough; whether there was any."""
        gone = [(self.images, key) for key, each in self.images.items() if each.exits <= now]
        left = [(self.snapshots, key) for key, each in self.snapshots.items() if each.exits <= now]
        for images, key in gone:
            del images[key]
        for snapshots, key in left:
            del snapshots[key]
        return bool(gone or left)


def _binned(resource: T, days: int) -> Binned[T]:
    now = utcnow()
    return Binned(resource, now, now + timedelta(days=days))
