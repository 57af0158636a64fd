"""What a group does next to have its desired capacity, healthy and spread over its subnets: pure functions.

Amazon EC2 Auto Scaling User Guide, "Health checks for instances in an Auto Scaling group", "Control which Auto Scaling
instances terminate during scale in" (the default policy), "Auto Scaling group Availability Zone distribution".
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Lifecycle(StrEnum):
    """Where an instance of a group is (API Reference, "Instance")."""

    PENDING = "Pending"
    IN_SERVICE = "InService"
    STANDBY = "Standby"
    TERMINATING = "Terminating"


@dataclass(frozen=True)
class MemberView:
    """One instance of a group at one moment."""

    instance_id: str
    lifecycle: Lifecycle = Lifecycle.IN_SERVICE
    healthy: bool = True
    ready: bool = True
    """Whether it serves: in service, healthy wherever the group asks, and warmed up."""
    protected: bool = False
    subnet: str = ""
    recipe: str = ""
    """The launch template and the version number that made it."""
    age: float = 0.0
    """Seconds since its launch."""

    @property
    def counts(self) -> bool:
        """Whether it is part of the group's capacity."""
        return self.lifecycle in (Lifecycle.PENDING, Lifecycle.IN_SERVICE)

    @property
    def serves(self) -> bool:
        """Whether it can be counted on."""
        return self.lifecycle is Lifecycle.IN_SERVICE and self.healthy and self.ready


@dataclass(frozen=True)
class Replacement:
    """What to do: so many launches, and these terminations."""

    launch: int = 0
    terminate: tuple[str, ...] = ()


def unhealthy(members: Iterable[MemberView]) -> tuple[str, ...]:
    """Who must go because it is not healthy."""
    wanted = (Lifecycle.PENDING, Lifecycle.IN_SERVICE)
    return tuple(each.instance_id for each in members if not each.healthy and each.lifecycle in wanted)


def scale(members: Sequence[MemberView], desired: int, recipe: str) -> Replacement:
    """Launches when there are too few, terminations when there are too many."""
    counted = [each for each in members if each.counts]
    if len(counted) <= desired:
        return Replacement(desired - len(counted))
    return Replacement(terminate=_surplus(counted, len(counted) - desired, recipe))


def _surplus(members: Sequence[MemberView], number: int, recipe: str) -> tuple[str, ...]:
    """Of the subnet that has most, those of another template or version first, then the oldest."""
    left = [each for each in members if not each.protected]
    gone: list[str] = []
    while left and len(gone) < number:
        crowd = Counter(each.subnet for each in left)
        most = max(crowd.values())
        candidates = [each for each in left if crowd[each.subnet] == most]
        chosen = max(candidates, key=lambda each: (each.recipe != recipe, each.age))
        left.remove(chosen)
        gone.append(chosen.instance_id)
    return tuple(gone)


def emptiest(subnets: Sequence[str], members: Iterable[MemberView]) -> str:
    """The subnet of the next launch: where the fewest are; of equal ones the first."""
    crowd = Counter(each.subnet for each in members if each.counts)
    return min(subnets, key=lambda subnet: crowd[subnet])
