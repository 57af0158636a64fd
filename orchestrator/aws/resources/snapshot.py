"""Snapshots. EC2 makes an AMI's without tags, and deletes none while an AMI uses it."""

from __future__ import annotations

from orchestrator.aws.resource_kind import Ec2Kind, Listing, Removal

KIND = Ec2Kind(
    name="snapshot",
    order=30,
    cost="charged by the month for each GB that it stores",
    listing=Listing(operation="describe_snapshots", key="Snapshots", id_field="SnapshotId", owner="OwnerIds"),
    removal=Removal(operation="delete_snapshot", parameter="SnapshotId"),
    tagged=False,
)
