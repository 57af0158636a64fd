"""Security groups. A build's carries the name of the AMI that is being made, and so tells whose that is."""

from __future__ import annotations

from orchestrator.aws.resource_kind import Ec2Kind, Listing, Removal

KIND = Ec2Kind(
    name="security group",
    order=50,
    cost="free; it counts towards a quota of the region",
    proof=True,
    listing=Listing(operation="describe_security_groups", key="SecurityGroups", id_field="GroupId"),
    removal=Removal(operation="delete_security_group", parameter="GroupId"),
)
