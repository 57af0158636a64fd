"""How Packer gets into the machine that it builds on: a key pair and a security group, made before it starts.

Packer 1.6.6 would make both itself, without tags, and a killed Packer would leave things that nobody can attribute.
Here they carry the run's tags from birth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.aws import ssh_access
from orchestrator.aws.network import security_group, vpc_of
from orchestrator.build import session_manager
from orchestrator.tags import Tag

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mypy_boto3_ec2.literals import ResourceTypeType
    from mypy_boto3_ec2.type_defs import CreateSecurityGroupRequestTypeDef, TagSpecificationTypeDef, TagTypeDef

    from orchestrator.build.request import BuildRequest


@dataclass(frozen=True)
class Access:
    """A key pair of the account with its private half in a file, and a security group that lets SSH in.

    A machine that is reached through Systems Manager has a group that lets nothing in.
    """

    key_name: str
    key_file: Path
    security_group: str


def prepare(request: BuildRequest, private: Path, number: int = 1) -> Access:
    """Make both, for the attempt `number`. What was made is found again by its tags: see `leftovers`."""
    ec2 = request.account.client("ec2")
    name = f"ami-build-{request.run}-{request.image}" + (f"-{number}" if number > 1 else "")
    tags = build_tags(request, name)
    key_file = private / "key"
    ssh_access.key_pair(ec2, name, specification("key-pair", tags), key_file)
    vpc = vpc_of(ec2, request.placement.subnets, request.placement.vpc_id)
    wanted: CreateSecurityGroupRequestTypeDef = {
        "GroupName": name,
        "Description": "SSH into a machine while its image is built",
        "TagSpecifications": [specification("security-group", tags)],
    }
    if vpc:
        wanted["VpcId"] = vpc
    group = security_group(ec2, wanted)
    if session_manager.is_used(request.placement):  # the agent calls Systems Manager: no port need be open
        ssh_access.await_group(ec2, group)
    else:
        ssh_access.let_in(ec2, group)
    return Access(name, key_file, group)


def build_tags(request: BuildRequest, name: str) -> dict[str, str]:
    """The tags of everything that a build creates on its way. `ami:name` tells whose an AMI without tags is."""
    return {
        Tag.DISPLAY_NAME: name,
        Tag.RUN: request.run,
        Tag.IMAGE: request.image,
        Tag.PURPOSE: "build",
        Tag.AMI_NAME: request.ami_name,
        **request.run_tags,
    }


def specification(kind: ResourceTypeType, tags: dict[str, str]) -> TagSpecificationTypeDef:
    """Tags of a kind of thing ("instance", "key-pair"), as EC2 takes them when it makes one."""
    return {"ResourceType": kind, "Tags": as_list(tags)}


def as_list(tags: Mapping[str, str]) -> list[TagTypeDef]:
    """Tags as EC2 takes them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]
