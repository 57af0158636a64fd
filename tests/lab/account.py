"""What is in the lab's account, and how a test puts it back: what one test leaves is no business of the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.build.cleanup.leftovers import Leftover, ResourceKind
from orchestrator.build.cleanup.remove import remove

if TYPE_CHECKING:
    from orchestrator.aws.account import Account

ALIVE = [{"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]}]


def present(ec2: Any) -> set[tuple[ResourceKind, str]]:
    """Everything in the account that can be left behind, except what every account has."""
    reservations = ec2.describe_instances(Filters=ALIVE)["Reservations"]
    kinds = {
        ResourceKind.INSTANCE: [one["InstanceId"] for each in reservations for one in each["Instances"]],
        ResourceKind.IMAGE: [one["ImageId"] for one in ec2.describe_images(Owners=["self"])["Images"]],
        ResourceKind.SNAPSHOT: [one["SnapshotId"] for one in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]],
        ResourceKind.VOLUME: [one["VolumeId"] for one in ec2.describe_volumes()["Volumes"]],
        ResourceKind.SECURITY_GROUP: [one["GroupId"] for one in ec2.describe_security_groups()["SecurityGroups"]],
        ResourceKind.KEY_PAIR: [one["KeyName"] for one in ec2.describe_key_pairs()["KeyPairs"]],
    }
    return {(kind, name) for kind, names in kinds.items() for name in names}


def restore(account: Account, before: set[tuple[ResourceKind, str]]) -> None:
    """Remove whatever was not there before: of a test that failed, it would be counted by the next."""
    new = present(account.client("ec2")) - before
    left = sorted(new, key=lambda one: list(ResourceKind).index(one[0]))
    assert remove(account, [Leftover(kind, name) for kind, name in left]) == ()
