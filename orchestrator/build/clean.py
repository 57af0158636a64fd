"""What a build left in an account, and its removal: only what is provably the run's.

Packer cleans up after an interrupt, but not after a kill, and even an interrupted Packer 1.6.6 leaves the AMI that it
was waiting for. Proof is the tag `ami:run`; an AMI without tags, and its snapshots, are known by the AMI's name, which
no two builds share.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from orchestrator.aws import AwsError, error_code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from orchestrator.aws import Account

#: Refusals that time does not mend: a missing permission, a machine that is protected from termination.
_FORBIDDEN = frozenset({"UnauthorizedOperation", "AccessDenied", "OperationNotPermitted", "AuthFailure"})


class Kind(StrEnum):
    """What can be left behind, in the order in which it must be removed."""

    INSTANCE = "instance"
    IMAGE = "AMI"
    SNAPSHOT = "snapshot"
    VOLUME = "volume"
    SECURITY_GROUP = "security group"
    KEY_PAIR = "key pair"
    LEASE = "lease"
    """An object of the artifact bucket; what holds leases removes it."""


@dataclass(frozen=True)
class Leftover:
    """One thing that is still there. `trouble` says why it could not be removed, when that was tried."""

    kind: Kind
    id: str
    trouble: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.id}" + (f" ({self.trouble})" if self.trouble else "")


def find_leftovers(
    account: Account, run: str, *, image: str = "", ami_names: Iterable[str] = (), keep: str = ""
) -> tuple[Leftover, ...]:
    """What builds of a run left, in the order of removal: of one image, or (without `image`) of the whole run.

    AMIs and snapshots count only when `ami_names` says which AMIs are not wanted: tagged ones may be good versions.
    The AMI `keep` is wanted whatever its name is: a template may give every attempt the same one.
    """
    ec2 = account.client("ec2")
    tags = [{"Name": "tag:ami:run", "Values": [run]}, {"Name": "tag:ami:purpose", "Values": ["build"]}]
    if image:
        tags.append({"Name": "tag:ami:image", "Values": [image]})

    def ids(operation: str, key: str, name: str, *extra: dict[str, Any]) -> list[str]:
        pages = ec2.get_paginator(operation).paginate(Filters=[*tags, *extra])
        return [str(item[name]) for page in pages for item in page[key]]

    alive = {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]}
    reservations = ec2.get_paginator("describe_instances").paginate(Filters=[*tags, alive])
    instances = [
        str(instance["InstanceId"])
        for page in reservations
        for reservation in page["Reservations"]
        for instance in reservation["Instances"]
    ]
    names = list(ami_names)
    images, snapshots = _unwanted_images(ec2, run, names, keep) if names else ([], [])
    keys = [str(pair["KeyName"]) for pair in ec2.describe_key_pairs(Filters=tags)["KeyPairs"]]
    found = {
        Kind.INSTANCE: instances,
        Kind.IMAGE: images,
        Kind.SNAPSHOT: snapshots,
        Kind.VOLUME: ids("describe_volumes", "Volumes", "VolumeId"),
        Kind.SECURITY_GROUP: ids("describe_security_groups", "SecurityGroups", "GroupId"),
        Kind.KEY_PAIR: keys,
    }
    return tuple(Leftover(kind, name) for kind in found for name in found[kind])


def _unwanted_images(ec2: Any, run: str, names: list[str], keep: str) -> tuple[list[str], list[str]]:
    """The run's AMIs of these names and their snapshots, also those that DescribeImages does not list yet.

    An AMI of such a name with the tags of another run is why this build failed, and none of its business.
    """
    named = ec2.describe_images(Owners=["self"], Filters=[{"Name": "name", "Values": names}])["Images"]
    images = [image for image in named if _run_of(image) in ("", run) and image["ImageId"] != keep]
    snapshots = {
        mapping["Ebs"]["SnapshotId"]
        for image in images
        for mapping in image.get("BlockDeviceMappings", ())
        if mapping.get("Ebs", {}).get("SnapshotId")
    }
    for image in images:  # EC2 describes them as "Created by CreateImage(i-...) for ami-..."
        described = [{"Name": "description", "Values": [f"Created by CreateImage* for {image['ImageId']}*"]}]
        pages = ec2.get_paginator("describe_snapshots").paginate(OwnerIds=["self"], Filters=described)
        snapshots |= {snapshot["SnapshotId"] for page in pages for snapshot in page["Snapshots"]}
    return [image["ImageId"] for image in images], sorted(snapshots)


def _run_of(image: dict[str, Any]) -> str:
    return next((str(tag["Value"]) for tag in image.get("Tags", ()) if tag["Key"] == "ami:run"), "")


def _unheard(_removed: Leftover) -> None:
    """A removal that nobody watches."""


def remove(
    account: Account,
    leftovers: Iterable[Leftover],
    *,
    patience: float = 300,
    removed: Callable[[Leftover], None] = _unheard,
) -> tuple[Leftover, ...]:
    """Remove what `find_leftovers` found, telling `removed`. Returns what still is there in the end, with the trouble.

    What depends on something that is just going away (a security group on its instance) is tried again for `patience`
    seconds; what may not be removed is not.
    """
    ec2 = account.client("ec2")
    deadline = time.monotonic() + patience
    left: tuple[Leftover, ...] = tuple(leftovers)
    stayed: list[Leftover] = []
    while left:
        again: list[Leftover] = []
        for leftover in left:
            still = _removed(ec2, leftover)
            if still is None:
                removed(leftover)
            else:
                (stayed if still.trouble in _FORBIDDEN else again).append(still)
        if again and time.monotonic() > deadline:
            return (*stayed, *again)
        left = tuple(again)
        time.sleep(2 if left else 0)
    return tuple(stayed)


def _removed(ec2: Any, leftover: Leftover) -> Leftover | None:
    """Try to remove one thing: None when it is gone, else what stays and why."""
    remover: dict[Kind, Callable[[], Any]] = {
        Kind.INSTANCE: lambda: ec2.terminate_instances(InstanceIds=[leftover.id]),
        Kind.IMAGE: lambda: ec2.deregister_image(ImageId=leftover.id),
        Kind.SNAPSHOT: lambda: ec2.delete_snapshot(SnapshotId=leftover.id),
        Kind.VOLUME: lambda: ec2.delete_volume(VolumeId=leftover.id),
        Kind.SECURITY_GROUP: lambda: ec2.delete_security_group(GroupId=leftover.id),
        Kind.KEY_PAIR: lambda: ec2.delete_key_pair(KeyName=leftover.id),
    }
    try:
        remover[leftover.kind]()
    except AwsError as error:
        if ".NotFound" in error_code(error) or error_code(error) == "InvalidAMIID.Unavailable":
            return None
        return Leftover(leftover.kind, leftover.id, error_code(error) or str(error))
    return None
