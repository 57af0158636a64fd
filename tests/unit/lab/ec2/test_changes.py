from __future__ import annotations

from moto.ec2.models import EC2Backend

from orchestrator.lab.ec2.changes import Changes

MACHINE, AMI = "i-0123456789abcdef0", "ami-0123456789abcdef0"


def test_a_call_is_told_with_the_tags_of_what_it_names_and_makes() -> None:
    """Keys by id, a key pair by its name, too; calls that only read are not told."""
    tables, changes = EC2Backend("us-east-1", "123456789012"), Changes()
    tables.create_tags([MACHINE], {"b": "1", "a": "2"})
    pair = tables.create_key_pair("k", "ed25519", {"c": "3"})
    wanted = {"ResourceType": "volume", "Tags": [{"Key": "d", "Value": ""}]}
    changes.note("DescribeImages", {"ImageIds": [AMI]}, tables)
    changes.note("RunInstances", {"ImageId": AMI, "KeyName": "k", "TagSpecifications": [wanted]}, tables)
    changes.note("CreateTags", {"Resources": [MACHINE], "Tags": [{"Key": "e", "Value": AMI}]}, tables)
    assert changes("GET", b"") == (
        200,
        [
            {"operation": "ec2:RunInstances", "named": {AMI: [], pair.id: ["c"]}, "brought": {"volume": ["d"]}},
            {"operation": "ec2:CreateTags", "named": {MACHINE: ["a", "b"]}, "brought": {"": ["e"]}},
        ],
    )
