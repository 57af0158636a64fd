"""Machines. Everything else may be in use by one, so they go first."""

from __future__ import annotations

from orchestrator.aws.resource_kind import Ec2Kind, Listing, Removal

KIND = Ec2Kind(
    name="instance",
    order=10,
    cost="charged by the second while it runs; when stopped, its volumes still are",
    listing=Listing(operation="describe_instances", key="Reservations", inside="Instances", id_field="InstanceId"),
    removal=Removal(operation="terminate_instances", parameter="InstanceIds", several=True),
    going=frozenset({"shutting-down", "terminated"}),
)
