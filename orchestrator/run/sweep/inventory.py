"""What there is in a region that may be a run's: asked of EC2 by tags, in few and paginated calls.

AMIs are all asked for, since those without tags are known by their name or their machine, and snapshots by the AMIs
that use them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from orchestrator.aws.kinds import EC2_KINDS
from orchestrator.aws.resource_kind import Ec2Kind, state_of
from orchestrator.aws.resources.image import KIND as IMAGE
from orchestrator.aws.resources.instance import KIND as INSTANCE
from orchestrator.aws.resources.snapshot import KIND as SNAPSHOT
from orchestrator.build.cleanup.made_of import NAME, RUN, Origin, descriptions, is_intermediary, origin_of
from orchestrator.registry import lacks_state, tags_of

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from orchestrator.aws.account import Account

__all__ = ["NAME", "RUN", "Resource", "look"]

#: Values that one filter may have (EC2 API Reference, "Filter").
_VALUES = 200


@dataclass(frozen=True)
class Resource:
    """One thing in one region. `name` and `created` are an AMI's, `snapshots` are those it uses.

    `instance` is what an AMI or a snapshot was made of, `image` what a snapshot was made for, as EC2 describes it.
    """

    kind: Ec2Kind
    id: str
    region: str
    tags: Mapping[str, str] = field(default_factory=dict)
    state: str = ""
    name: str = ""
    snapshots: frozenset[str] = frozenset()
    instance: str = ""
    image: str = ""
    created: str = ""

    @property
    def run(self) -> str:
        """The run that made it, as its tag says."""
        return self.tags.get(RUN, "")


def look(account: Account) -> tuple[Resource, ...]:
    """Everything in the account's region that may be a run's, and what tells whether it is used."""
    ec2, region = account.client("ec2"), account.region
    tagged = [{"Name": "tag-key", "Values": [RUN]}]
    kinds = (kind for kind in EC2_KINDS if kind.tagged)
    found = [_seen(kind, one, region) for kind in kinds for one in kind.listing.all(ec2, tagged)]
    found += [_seen(IMAGE, one, region) for one in IMAGE.listing.all(ec2, IncludeDisabled=True)]
    return (*found, *_snapshots(ec2, region, found))


def _snapshots(ec2: Any, region: str, found: Iterable[Resource]) -> tuple[Resource, ...]:
    """Snapshots with the tag of a run; and those without, that EC2 describes as made of a run's machine."""
    names = {one.tags[NAME] for one in found if NAME in one.tags}
    machines = [one.id for one in found if one.kind is INSTANCE]
    images = [one for one in found if one.kind is IMAGE]
    patterns = descriptions(machines=machines, images=[one.id for one in images if _may_be_unproven(one, names)])
    starts = range(0, len(patterns), _VALUES)
    asked = [{"Name": "tag-key", "Values": [RUN]}]
    asked += [{"Name": "description", "Values": patterns[start : start + _VALUES]} for start in starts]
    snapshots = [_seen(SNAPSHOT, one, region) for values in asked for one in SNAPSHOT.listing.all(ec2, [values])]
    return tuple({one.id: one for one in snapshots}.values())


def _may_be_unproven(image: Resource, names: Container[str]) -> bool:
    """Whether an AMI may be one of ours that no build finished, as far as it tells itself."""
    if image.run:
        return lacks_state(image.tags) or image.state != "available"
    return image.name in names or is_intermediary(image.name, image.tags)


def _seen(kind: Ec2Kind, told: Mapping[str, Any], region: str) -> Resource:
    origin = origin_of(told.get("Description") or "") if kind is SNAPSHOT else Origin()
    is_image = kind is IMAGE
    return Resource(
        kind,
        kind.listing.id_of(told),
        region,
        tags=tags_of(told),
        state=state_of(told),
        name=str(told.get("Name", "")) if is_image else "",
        snapshots=frozenset(
            str(mapping["Ebs"]["SnapshotId"])
            for mapping in told.get("BlockDeviceMappings", ())
            if mapping.get("Ebs", {}).get("SnapshotId")
        ),
        instance=str(told.get("SourceInstanceId", "")) if is_image else origin.instance,
        image=origin.image,
        created=str(told.get("CreationDate", "")) if is_image else "",
    )
