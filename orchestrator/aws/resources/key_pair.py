"""Key pairs. A build's carries the name of the AMI that is being made, and so tells whose that is."""

from __future__ import annotations

from orchestrator.aws.resource_kind import Ec2Kind, Listing, Removal

KIND = Ec2Kind(
    name="key pair",
    order=60,
    cost="free; it counts towards a quota of the region",
    proof=True,
    listing=Listing(operation="describe_key_pairs", key="KeyPairs", id_field="KeyName"),
    removal=Removal(operation="delete_key_pair", parameter="KeyName"),
)
