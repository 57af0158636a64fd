"""What the sweep leaves alone, and why: so that nobody takes silence for an empty account. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.aws.resources.image import KIND as IMAGE
from orchestrator.run.sweep.orphans import is_lost, is_passing
from orchestrator.run.sweep.unproven import unproven

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from orchestrator.run.sweep.inventory import Resource
    from orchestrator.run.sweep.liveness import Liveness
    from orchestrator.run.sweep.unproven import Unproven

_NOBODYS = "nothing tells which run made it"


@dataclass(frozen=True)
class LeftAlone:
    """Things of one run that are not removed, and why. `run` is empty when it is not known. AMIs are unproven ones."""

    run: str
    why: str
    things: tuple[Resource, ...]


def left_alone(seen: Iterable[Resource], fates: Mapping[str, Liveness]) -> tuple[LeftAlone, ...]:
    """What is on its way, or unproven, and not removed: of runs that may live, and what cannot be proven."""
    things = tuple(seen)
    found: dict[tuple[str, str], list[Resource]] = defaultdict(list)
    dead = {run for run, fate in fates.items() if fate.dead}
    unfinished = unproven(things)
    finished = _finished(things, unfinished)
    for one in things:
        passing = is_passing(one) and one.kind is not IMAGE and one.run not in dead
        if passing and not {(one.region, one.id), (one.region, one.image)} & finished:
            found[one.run, fates[one.run].why].append(one)
    for ami in unfinished:
        if not is_lost(ami, dead):
            found[_reason(ami, fates)].append(ami.ami)
    return tuple(LeftAlone(run, why, tuple(told)) for (run, why), told in sorted(found.items()))


def _reason(ami: Unproven, fates: Mapping[str, Liveness]) -> tuple[str, str]:
    """The run of an unproven AMI that is not removed, and why it is not."""
    alive = min((run for run in ami.runs if not fates[run].dead), default="")
    if alive:
        return alive, fates[alive].why
    return ami.run, ami.how if ami.run else _NOBODYS


def _finished(things: Iterable[Resource], unfinished: Iterable[Unproven]) -> set[tuple[str, str]]:
    """The AMIs that are no leftovers, and the snapshots that they use, by region and id."""
    open_ones = {(one.ami.region, one.ami.id) for one in unfinished}
    images = [one for one in things if one.kind is IMAGE and (one.region, one.id) not in open_ones]
    return {(one.region, name) for one in images for name in (one.id, *one.snapshots)}
