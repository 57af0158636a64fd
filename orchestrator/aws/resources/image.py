"""AMIs. Packer may not have tagged one yet: `build/cleanup/made_of.py` tells whose it is."""

from __future__ import annotations

from orchestrator.aws.resource_kind import Ec2Kind, Listing, Removal

KIND = Ec2Kind(
    name="AMI",
    order=20,
    cost="free by itself; its snapshots are charged",
    listing=Listing(operation="describe_images", key="Images", id_field="ImageId", owner="Owners"),
    # EC2 answers `Unavailable` for an AMI that was deregistered a while ago.
    removal=Removal(operation="deregister_image", parameter="ImageId", gone=frozenset({"InvalidAMIID.Unavailable"})),
    tagged=False,
)
