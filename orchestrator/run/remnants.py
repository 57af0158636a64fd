"""What dead runs left: a pure function from what there is and what is known of runs.

A thing is a remnant when it carries the tag of a dead run, and is one of those that a run makes only on its way. An AMI
without tags is known by its name, which the run's key pair, security group and machine carry as `ami:name`; its
snapshots by what EC2 says that they were made of. A finished AMI is never a remnant: the next build adopts it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.build.clean import Kind, Leftover
from orchestrator.registry import PREFIX
from orchestrator.run.fate import Evidence, Fate, fate_of
from orchestrator.run.seen import NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime, timedelta

    from orchestrator.run.seen import Seen

KEEP, PURPOSE = "ami:keep", "ami:purpose"

#: What a run makes on its way. Things with another purpose are meant to stay.
_PURPOSES = frozenset({"build", "validate"})
#: States of an AMI that was not finished, and of one that was and is not to be used (EC2 API Reference, "Image").
_HALF_MADE = frozenset({"pending", "transient", "failed", "error", "invalid"})
_RETIRED = "disabled"
_GOING = frozenset({"shutting-down", "terminated", "deleting", "deleted"})
#: What carries the name of the AMI that a run was making: removed when that AMI is gone.
PROOFS = frozenset({Kind.SECURITY_GROUP, Kind.KEY_PAIR, Kind.LEASE})


@dataclass(frozen=True)
class Remnant:
    """One thing that a dead run left, and what proves that the run is dead."""

    kind: Kind
    id: str
    region: str
    run: str
    why: str
    kept: bool = False

    @property
    def leftover(self) -> Leftover:
        """What is to be removed."""
        return Leftover(self.kind, self.id)


def remnants(
    seen: Iterable[Seen], runs: Mapping[str, Evidence], now: datetime, older_than: timedelta
) -> tuple[Remnant, ...]:
    """What dead runs left, in the order of removal. A run without evidence is judged by its age alone."""
    things = tuple(seen)
    return left_by(fates_of(things, runs, now, older_than), things)


def left_by(fates: Mapping[str, Fate], seen: Iterable[Seen]) -> tuple[Remnant, ...]:
    """What the dead among these runs left, in the order of removal."""
    things, dead = tuple(seen), {run: fate for run, fate in fates.items() if fate.dead}
    found = [one for region in sorted({thing.region for thing in things}) for one in _Region(things, region, dead).all]
    return in_order(found)


def in_order(found: Iterable[Remnant]) -> tuple[Remnant, ...]:
    """Remnants in the order of removal."""
    return tuple(sorted(found, key=lambda one: (list(Kind).index(one.kind), one.region, one.run, one.id)))


def fates_of(
    seen: Iterable[Seen], runs: Mapping[str, Evidence], now: datetime, older_than: timedelta
) -> dict[str, Fate]:
    """What became of each run that something was seen of, or that there is evidence of."""
    named = {one.run for one in seen if one.run} | set(runs)
    return {run: fate_of(run, runs.get(run, Evidence()), now, older_than) for run in sorted(named)}


def spared(seen: Iterable[Seen], fates: Mapping[str, Fate]) -> dict[str, tuple[Seen, ...]]:
    """What runs that are not dead have made on their way, by run: it is told, and not touched."""
    found: dict[str, tuple[Seen, ...]] = {}
    for one in seen:
        if _passing(one) and one.kind is not Kind.IMAGE and not fates[one.run].dead:
            found[one.run] = (*found.get(one.run, ()), one)
    return found


def _passing(one: Seen) -> bool:
    """Whether a thing is one that a run makes only on its way, and still there."""
    return bool(one.run) and one.tags.get(PURPOSE) in _PURPOSES and one.state not in _GOING


@dataclass
class _Region:
    """One region's things. `half_made` maps the AMIs that are remnants to their runs."""

    things: Iterable[Seen]
    region: str
    dead: Mapping[str, Fate]
    by_kind: dict[Kind, list[Seen]] = field(default_factory=lambda: defaultdict(list))
    half_made: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for one in self.things:
            if one.region == self.region:
                self.by_kind[one.kind].append(one)
        claims = self._claims()
        for image in self.by_kind[Kind.IMAGE]:
            if run := self._run_of_image(image, claims):
                self.half_made[image.id] = run

    @property
    def all(self) -> Iterator[Remnant]:
        """The remnants of the region."""
        for kind in (Kind.INSTANCE, Kind.VOLUME, Kind.SECURITY_GROUP, Kind.KEY_PAIR):
            for one in self.by_kind[kind]:
                if _passing(one) and one.run in self.dead:
                    yield self._remnant(one, one.run)
        for image in self.by_kind[Kind.IMAGE]:
            if image.id in self.half_made:
                yield self._remnant(image, self.half_made[image.id])
        yield from self._snapshots()

    def _remnant(self, one: Seen, run: str) -> Remnant:
        return Remnant(one.kind, one.id, one.region, run, self.dead[run].why, kept=KEEP in one.tags)

    def _claims(self) -> dict[str, set[str]]:
        """Which runs say of which name that they were making the AMI of that name."""
        claims: dict[str, set[str]] = defaultdict(set)
        for kind, things in self.by_kind.items():
            for one in things:
                if kind is not Kind.IMAGE and one.run and NAME in one.tags:
                    claims[one.tags[NAME]].add(one.run)
        return claims

    def _run_of_image(self, image: Seen, claims: Mapping[str, set[str]]) -> str:
        """The dead run that was making an AMI when it died; empty when there is none, or it is finished."""
        if image.state == _RETIRED:
            return ""
        if image.run:
            return image.run if image.run in self.dead and image.state in _HALF_MADE else ""
        claiming = claims.get(image.name, set())
        ours = any(key.startswith(PREFIX) for key in image.tags)
        return min(claiming) if claiming and claiming <= self.dead.keys() and not ours else ""

    def _snapshots(self) -> Iterator[Remnant]:
        images = {one.id: one for one in self.by_kind[Kind.IMAGE]}
        machines = {one.id: one.run for one in self.by_kind[Kind.INSTANCE] if KEEP not in one.tags}
        used = {snapshot for one in images.values() if one.id not in self.half_made for snapshot in one.snapshots}
        halves = {snapshot: run for image, run in self.half_made.items() for snapshot in images[image].snapshots}
        for one in self.by_kind[Kind.SNAPSHOT]:
            if one.id in used or (one.image in images and one.image not in self.half_made):
                continue
            made_of = self.half_made.get(one.image) or halves.get(one.id) or machines.get(one.instance, "")
            run = one.run or made_of
            # A snapshot with the tag of a run, but with another purpose, was made of the run's result later.
            if run in self.dead and (_passing(one) or not one.run):
                yield self._remnant(one, run)
