"""AMIs of ours that no build finished: whose they are, and what tells it. A pure function of what there is.

An AMI is finished when it has a state. One without is known by its tags; without tags by its name, which the run's key
pair, security group and machine carry as `ami:name`; or, when Packer gave it a random name to copy and encrypt it, by
the machine that it was made of.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.aws.resources.image import KIND as IMAGE
from orchestrator.aws.resources.instance import KIND as INSTANCE
from orchestrator.aws.resources.snapshot import KIND as SNAPSHOT
from orchestrator.build.cleanup.made_of import BUILD, NAME, PURPOSE, STATE, is_half_made, is_intermediary
from orchestrator.registry import lacks_state
from orchestrator.tags import PREFIX, Tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from orchestrator.contract.version import UnprovenJson
    from orchestrator.run.sweep.inventory import Resource

KEEP = Tag.KEEP

#: States of an AMI that was not finished, and of one that was and is not to be used (EC2 API Reference, "Image").
_HALF_MADE = frozenset({"pending", "transient", "failed", "error", "invalid"})
_RETIRED = "disabled"


@dataclass(frozen=True)
class Unproven:
    """An AMI of ours without a state. `runs` are those that may have been making it, `how` says how that is known.

    `certain`: when all these runs are dead, nobody waits for it any more.
    """

    ami: Resource
    runs: frozenset[str]
    image: str
    how: str
    certain: bool = True

    @property
    def run(self) -> str:
        """The run that was making it; one of several, and empty when it is not known."""
        return min(self.runs, default="")

    def as_json(self) -> UnprovenJson:
        """A JSON object with every field."""
        return {
            "image": self.image or None,
            "ami_id": self.ami.id,
            "state": "unproven",
            "region": self.ami.region,
            "ami_name": self.ami.name,
            "created": self.ami.created or None,
            "run": self.run or None,
            "reason": self.how,
        }


def unproven(things: Iterable[Resource]) -> tuple[Unproven, ...]:
    """The unproven AMIs among these things, in the order in which EC2 told them."""
    regions: dict[str, list[Resource]] = defaultdict(list)
    for one in things:
        regions[one.region].append(one)
    return tuple(found for told in regions.values() for found in _UnprovenInRegion(told).found)


@dataclass
class _UnprovenInRegion:
    """One region's things: `claims` are those that name an AMI, `machines` those that a build worked on."""

    things: Iterable[Resource]
    claims: dict[str, list[Resource]] = field(default_factory=lambda: defaultdict(list))
    machines: dict[str, Resource] = field(default_factory=dict)
    made_of: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for one in self.things:
            if one.kind is not IMAGE and one.run and NAME in one.tags:
                self.claims[one.tags[NAME]].append(one)
            if one.kind is INSTANCE and one.tags.get(PURPOSE) == BUILD and one.run and KEEP not in one.tags:
                self.machines[one.id] = one
            if one.kind is SNAPSHOT and one.image:
                self.made_of[one.image] = one.instance

    @property
    def found(self) -> list[Unproven]:
        images = (one for one in self.things if one.kind is IMAGE)
        return [found for image in images if (found := self._judged(image))]

    def _judged(self, image: Resource) -> Unproven | None:
        if any(key.startswith(PREFIX) for key in image.tags):
            return _by_tags(image)
        if image.state == _RETIRED:
            return None
        if claims := self.claims.get(image.name):
            return _claimed(image, claims, "{kind} {id} of the run has its name")
        machine = self.machines.get(image.instance or self.made_of.get(image.id, ""))
        if machine is not None and is_intermediary(image.name, image.tags):
            return _claimed(image, [machine], "Packer made it of the run's machine {id}, to encrypt it")
        return None


def _by_tags(image: Resource) -> Unproven | None:
    tags = image.tags
    runs, name = frozenset({image.run} - {""}), tags.get(Tag.IMAGE, "")
    if image.run and image.state in _HALF_MADE:
        return Unproven(image, runs, name, f"it has the run's tags, and is {image.state}")
    if is_half_made(tags):
        return Unproven(image, runs, name, "it has the run's tags, and no state", certain=image.state != _RETIRED)
    if lacks_state(tags) and STATE not in tags:
        return Unproven(image, runs, name, "it has tags of ours, but neither a state nor those of a build", False)
    return None


def _claimed(image: Resource, claims: Iterable[Resource], how: str) -> Unproven:
    first = min(claims, key=lambda one: (one.kind.order, one.id))
    told: Mapping[str, str] = {"kind": str(first.kind), "id": first.id}
    return Unproven(image, frozenset(one.run for one in claims), first.tags.get(Tag.IMAGE, ""), how.format(**told))
