"""What there is in a region that may be a run's: asked of EC2 by tags, in few and paginated calls.

AMIs are all asked for, since those without tags are known by their name, and snapshots by the AMIs that use them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from orchestrator.build.clean import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from orchestrator.aws import Account

RUN, NAME = "ami:run", "ami:name"

#: Values that one filter may have (EC2 API Reference, "Filter").
_VALUES = 200

_OF = re.compile(r"^Created by CreateImage\((i-[0-9a-f]+)\) for (ami-[0-9a-f]+)")


@dataclass(frozen=True)
class Seen:
    """One thing in one region. `name` is an AMI's, `snapshots` are those it uses.

    `instance` and `image` are what a snapshot was made of and for, as EC2 describes it.
    """

    kind: Kind
    id: str
    region: str
    tags: Mapping[str, str] = field(default_factory=dict)
    state: str = ""
    name: str = ""
    snapshots: frozenset[str] = frozenset()
    instance: str = ""
    image: str = ""

    @property
    def run(self) -> str:
        """The run that made it, as its tag says."""
        return self.tags.get(RUN, "")


def look(account: Account) -> tuple[Seen, ...]:
    """Everything in the account's region that may be a run's, and what tells whether it is used."""
    ec2, region = account.client("ec2"), account.region
    tagged = [{"Name": "tag-key", "Values": [RUN]}]
    found = [
        *(_seen(Kind.INSTANCE, one, region) for one in _instances(ec2, tagged)),
        *(_seen(Kind.VOLUME, one, region) for one in _all(ec2, "describe_volumes", "Volumes", Filters=tagged)),
        *(
            _seen(Kind.SECURITY_GROUP, one, region)
            for one in _all(ec2, "describe_security_groups", "SecurityGroups", Filters=tagged)
        ),
        *(_seen(Kind.KEY_PAIR, one, region) for one in ec2.describe_key_pairs(Filters=tagged)["KeyPairs"]),
        *(
            _seen(Kind.IMAGE, one, region)
            for one in _all(ec2, "describe_images", "Images", Owners=["self"], IncludeDisabled=True)
        ),
    ]
    return (*found, *_snapshots(ec2, region, found))


def _instances(ec2: Any, filters: list[dict[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for reservation in _all(ec2, "describe_instances", "Reservations", Filters=filters):
        yield from reservation["Instances"]


def _snapshots(ec2: Any, region: str, found: Iterable[Seen]) -> tuple[Seen, ...]:
    """Snapshots with the tag of a run; and those without, that EC2 describes as made of a run's machine."""
    names = {one.tags[NAME] for one in found if NAME in one.tags}
    machines = [one.id for one in found if one.kind is Kind.INSTANCE]
    images = [one for one in found if one.kind is Kind.IMAGE]
    loose = [one.id for one in images if one.name in names or (one.run and one.state != "available")]
    patterns = [f"Created by CreateImage({one})*" for one in machines]
    patterns += [f"Created by CreateImage* for {one}*" for one in loose]
    starts = range(0, len(patterns), _VALUES)
    asked = [{"Name": "tag-key", "Values": [RUN]}]
    asked += [{"Name": "description", "Values": patterns[start : start + _VALUES]} for start in starts]
    snapshots = [
        _seen(Kind.SNAPSHOT, one, region)
        for values in asked
        for one in _all(ec2, "describe_snapshots", "Snapshots", OwnerIds=["self"], Filters=[values])
    ]
    return tuple({one.id: one for one in snapshots}.values())


def _all(ec2: Any, operation: str, key: str, **arguments: Any) -> Iterator[Mapping[str, Any]]:
    for page in ec2.get_paginator(operation).paginate(**arguments):
        yield from page[key]


#: What the id of a thing is called where it is described.
_IDS = {
    Kind.INSTANCE: "InstanceId",
    Kind.IMAGE: "ImageId",
    Kind.SNAPSHOT: "SnapshotId",
    Kind.VOLUME: "VolumeId",
    Kind.SECURITY_GROUP: "GroupId",
    Kind.KEY_PAIR: "KeyName",
}


def _seen(kind: Kind, told: Mapping[str, Any], region: str) -> Seen:
    state = told.get("State", "")
    of = _OF.match(told.get("Description") or "") if kind is Kind.SNAPSHOT else None
    return Seen(
        kind,
        str(told[_IDS[kind]]),
        region,
        tags={tag["Key"]: tag["Value"] for tag in told.get("Tags", ())},
        state=str(state["Name"] if isinstance(state, dict) else state),
        name=str(told.get("Name", "")) if kind is Kind.IMAGE else "",
        snapshots=frozenset(
            str(mapping["Ebs"]["SnapshotId"])
            for mapping in told.get("BlockDeviceMappings", ())
            if mapping.get("Ebs", {}).get("SnapshotId")
        ),
        instance=of[1] if of else "",
        image=of[2] if of else "",
    )
