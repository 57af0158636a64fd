"""What dead runs left: a pure function from what there is and what is known of runs.

A thing is a remnant when it carries the tag of a dead run, and is one of those that a run makes only on its way. An AMI
is one when no build finished it, and all runs that may have been making it are dead (see `unproven`); its snapshots are
known by what EC2 says that they were made of. A finished AMI is never a remnant: the next build adopts it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.aws.kinds import EC2_KINDS
from orchestrator.aws.resources.image import KIND as IMAGE
from orchestrator.aws.resources.instance import KIND as INSTANCE
from orchestrator.aws.resources.snapshot import KIND as SNAPSHOT
from orchestrator.build.cleanup.leftovers import Leftover
from orchestrator.build.cleanup.made_of import BUILD, PURPOSE
from orchestrator.run.sweep.liveness import Liveness, RunEvidence, fate_of
from orchestrator.run.sweep.unproven import KEEP, Unproven, unproven

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping
    from datetime import datetime, timedelta

    from orchestrator.aws.resource_kind import Ec2Kind, ResourceKind
    from orchestrator.run.sweep.inventory import Resource

#: What a run makes on its way. Things with another purpose are meant to stay.
_PURPOSES = frozenset({BUILD, "validate"})


@dataclass(frozen=True)
class Orphan:
    """One thing that a dead run left: `why` proves that the run is dead, `proof` that the thing is the run's.

    `proof` is empty for what carries the run's own tags.
    """

    kind: ResourceKind
    id: str
    region: str
    run: str
    why: str
    kept: bool = False
    proof: str = field(default="", compare=False)

    @property
    def leftover(self) -> Leftover:
        """What is to be removed."""
        return Leftover(self.kind, self.id)


def remnants(
    seen: Iterable[Resource], runs: Mapping[str, RunEvidence], now: datetime, older_than: timedelta
) -> tuple[Orphan, ...]:
    """What dead runs left, in the order of removal. A run without evidence is judged by its age alone."""
    things = tuple(seen)
    return left_by(fates_of(things, runs, now, older_than), things)


def left_by(fates: Mapping[str, Liveness], seen: Iterable[Resource]) -> tuple[Orphan, ...]:
    """What the dead among these runs left, in the order of removal."""
    things, dead = tuple(seen), {run: fate for run, fate in fates.items() if fate.dead}
    found = [
        one
        for region in sorted({thing.region for thing in things})
        for one in _OrphansInRegion(things, region, dead).all
    ]
    return in_order(found)


def in_order(found: Iterable[Orphan]) -> tuple[Orphan, ...]:
    """Remnants in the order of removal."""
    return tuple(sorted(found, key=lambda one: (one.kind.order, one.region, one.run, one.id)))


def fates_of(
    seen: Iterable[Resource], runs: Mapping[str, RunEvidence], now: datetime, older_than: timedelta
) -> dict[str, Liveness]:
    """What became of each run that something was seen of, or that there is evidence of."""
    named = {one.run for one in seen if one.run} | set(runs)
    return {run: fate_of(run, runs.get(run, RunEvidence()), now, older_than) for run in sorted(named)}


def is_passing(one: Resource) -> bool:
    """Whether a thing is one that a run makes only on its way, and still there."""
    return bool(one.run) and one.tags.get(PURPOSE) in _PURPOSES and one.state not in one.kind.going


def is_lost(ami: Unproven, dead: Container[str]) -> bool:
    """Whether nobody waits for an unproven AMI any more."""
    return ami.certain and bool(ami.runs) and all(run in dead for run in ami.runs)


@dataclass
class _OrphansInRegion:
    """One region's things. `half_made` are the AMIs that are remnants, by their id."""

    things: Iterable[Resource]
    region: str
    dead: Mapping[str, Liveness]
    by_kind: dict[Ec2Kind, list[Resource]] = field(default_factory=lambda: defaultdict(list))
    half_made: dict[str, Unproven] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for one in self.things:
            if one.region == self.region:
                self.by_kind[one.kind].append(one)
        here = (one for things in self.by_kind.values() for one in things)
        self.half_made = {one.ami.id: one for one in unproven(here) if is_lost(one, self.dead)}

    @property
    def all(self) -> Iterator[Orphan]:
        """The remnants of the region."""
        for kind in (kind for kind in EC2_KINDS if kind.tagged):
            for one in self.by_kind[kind]:
                if is_passing(one) and one.run in self.dead:
                    yield self._remnant(one, one.run)
        for half in self.half_made.values():
            yield self._remnant(half.ami, half.run, half.how)
        yield from self._snapshots()

    def _remnant(self, one: Resource, run: str, proof: str = "") -> Orphan:
        why = self.dead[run].why
        return Orphan(one.kind, one.id, one.region, run, why, kept=KEEP in one.tags, proof=proof)

    def _snapshots(self) -> Iterator[Orphan]:
        images = {one.id: one for one in self.by_kind[IMAGE]}
        machines = {one.id: one.run for one in self.by_kind[INSTANCE] if KEEP not in one.tags}
        used = {snapshot for one in images.values() if one.id not in self.half_made for snapshot in one.snapshots}
        owners = {snapshot: half for half in self.half_made.values() for snapshot in half.ami.snapshots}
        for one in self.by_kind[SNAPSHOT]:
            if one.id in used or (one.image in images and one.image not in self.half_made):
                continue
            half = self.half_made.get(one.image) or owners.get(one.id)
            run = one.run or (half.run if half else machines.get(one.instance, ""))
            proof = f"it was made for {half.ami.id}" if half else f"it was made of {one.instance}"
            # A snapshot with the tag of a run, but with another purpose, was made of the run's result later.
            if run in self.dead and (is_passing(one) or not one.run):
                yield self._remnant(one, run, "" if one.run else proof)
