"""What builds of a run left in an account: only what is provably theirs.

Packer cleans up after an interrupt, but not after a kill, and even an interrupted one leaves the AMI that it was
waiting for. Proof is the tag `ami:run`. An AMI without tags is known by its name, which no two builds share, or by the
machine that it was made of; see `made_of`. An AMI with a state is finished, and no leftover.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from orchestrator.aws.kinds import EC2_KINDS
from orchestrator.aws.resource_kind import Ec2Kind, ResourceKind, state_of
from orchestrator.aws.resources.image import KIND as IMAGE
from orchestrator.aws.resources.instance import KIND as INSTANCE
from orchestrator.aws.resources.snapshot import KIND as SNAPSHOT
from orchestrator.build.cleanup.made_of import BUILD, PURPOSE, RUN, STATE, descriptions, is_intermediary, origin_of
from orchestrator.registry import tags_of
from orchestrator.tags import Tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from orchestrator.aws.account import Account


@dataclass(frozen=True)
class Leftover:
    """One thing that is still there. `trouble` says why it could not be removed, when that was tried."""

    kind: ResourceKind
    id: str
    trouble: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.id}" + (f" ({self.trouble})" if self.trouble else "")


@dataclass(frozen=True)
class Build:
    """Whose leftovers are looked for: those of one image of a run, or (without `image`) of the whole run.

    AMIs and snapshots count only when it is known which AMI is wanted: none (`ami_names` are those of the attempts
    that failed, the last one's last), or `keep` (an AMI id; a tag that was just written may not be seen yet).

    With another `purpose` they are those of a validation.
    """

    run: str
    image: str = ""
    ami_names: tuple[str, ...] = ()
    keep: str = ""
    purpose: str = BUILD


def find_leftovers(account: Account, build: Build) -> tuple[Leftover, ...]:
    """What a build left, in the order of removal."""
    search = _Search(account.client("ec2"), build)
    machines = search.machines()
    images, snapshots = search.images_and_snapshots(machines) if build.ami_names or build.keep else ([], [])
    found = {
        INSTANCE: [one for one, state in machines.items() if state not in INSTANCE.going],
        IMAGE: images,
        SNAPSHOT: snapshots,
    }
    found |= {kind: search.ids(kind) for kind in EC2_KINDS if kind not in found}
    return tuple(Leftover(kind, name) for kind in EC2_KINDS for name in found[kind])


def machines_of(account: Account, build: Build) -> tuple[str, ...]:
    """The ids of a build's machines, also of those that EC2 still describes after their end."""
    return tuple(_Search(account.client("ec2"), build).machines())


@dataclass
class _Search:
    """Asks EC2 for what carries the tags of a build, and for what was made of its machines."""

    ec2: Any
    build: Build
    tags: list[dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        of_image = {Tag.IMAGE: self.build.image} if self.build.image else {}
        wanted = {RUN: self.build.run, PURPOSE: self.build.purpose} | of_image
        self.tags = [_filter(f"tag:{key}", value) for key, value in wanted.items()]

    def ids(self, kind: Ec2Kind) -> list[str]:
        """The ids of the things of a kind that carry the tags."""
        return [kind.listing.id_of(one) for one in kind.listing.all(self.ec2, self.tags)]

    def machines(self) -> dict[str, str]:
        """The machines and their states, also those that EC2 still describes after their end."""
        return {INSTANCE.listing.id_of(one): state_of(one) for one in INSTANCE.listing.all(self.ec2, self.tags)}

    def images_and_snapshots(self, machines: Iterable[str]) -> tuple[list[str], list[str]]:
        """The unfinished AMIs, and the snapshots that belong to them or to no AMI any more."""
        names, keep = self.build.ami_names, self.build.keep
        tagged = SNAPSHOT.listing.all(self.ec2, self.tags)
        snapshots = [*tagged, *self._described(descriptions(machines=machines))]
        asked = [self.tags, *([[_filter("name", *names)]] if names else [])]
        images = {one["ImageId"]: one for filters in asked for one in self._images(filters)}
        made_for = {_origin(one).image for one in snapshots} - {"", *images}
        there = {one["ImageId"]: one for one in (self._images([_filter("image-id", *made_for)]) if made_for else ())}
        unwanted = {one: told for one, told in images.items() if self._unfinished(told)}
        unwanted |= {one: told for one, told in there.items() if is_intermediary(told.get("Name", ""), tags_of(told))}
        unwanted.pop(keep, None)
        snapshots += self._described(descriptions(images=unwanted))
        used = {keep, *there, *images} - unwanted.keys()
        loose = {one["SnapshotId"] for one in snapshots if _origin(one).image not in {"", *used}}
        mapped = {snapshot for told in unwanted.values() for snapshot in _snapshots_of(told)}
        return list(unwanted), sorted(loose | mapped)

    def _unfinished(self, image: Mapping[str, Any]) -> bool:
        """Whether an AMI is the run's (one of that name with another run's tags is why this build failed)."""
        tags = tags_of(image)
        return STATE not in tags and tags.get(RUN, self.build.run) == self.build.run

    def _images(self, filters: list[dict[str, Any]]) -> list[Mapping[str, Any]]:
        return list(IMAGE.listing.all(self.ec2, filters))

    def _described(self, texts: list[str]) -> list[Mapping[str, Any]]:
        if not texts:
            return []
        return list(SNAPSHOT.listing.all(self.ec2, [_filter("description", *texts)]))


def _filter(name: str, *values: str) -> dict[str, Any]:
    return {"Name": name, "Values": list(values)}


def _origin(snapshot: Mapping[str, Any]) -> Any:
    return origin_of(snapshot.get("Description") or "")


def _snapshots_of(image: Mapping[str, Any]) -> set[str]:
    """The snapshots that an AMI uses; EC2 may not tell them before it is available."""
    used = (mapping.get("Ebs", {}).get("SnapshotId") for mapping in image.get("BlockDeviceMappings", ()))
    return {str(one) for one in used if one}
