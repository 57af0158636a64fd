"""Volumes that did not go with their machine."""

from __future__ import annotations

from orchestrator.aws.resource_kind import Ec2Kind, Listing, Removal

KIND = Ec2Kind(
    name="volume",
    order=40,
    cost="charged by the month for each GB of its size, in use or not",
    listing=Listing(operation="describe_volumes", key="Volumes", id_field="VolumeId"),
    removal=Removal(operation="delete_volume", parameter="VolumeId"),
    going=frozenset({"deleting", "deleted"}),
)
