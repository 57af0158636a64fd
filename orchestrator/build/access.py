"""How Packer gets into the machine that it builds on: a key pair and a security group, made before it starts.

Packer 1.6.6 would make both itself, without tags, and a killed Packer would leave things that nobody can attribute.
Here they carry the run's tags from birth. The key is Ed25519: OpenSSH 8.8 and later refuse the SHA-1 signatures that
old Packers make with RSA keys.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.build.request import BuildRequest


@dataclass(frozen=True)
class Access:
    """A key pair of the account with its private half in a file, and a security group that lets SSH in."""

    key_name: str
    key_file: Path
    security_group: str


def prepare(request: BuildRequest, private: Path) -> Access:
    """Make both. What was made is found again by its tags, however this ends: see `clean.find_leftovers`."""
    ec2 = request.account.client("ec2")
    name = f"ami-build-{request.run}-{request.image}"
    tags = build_tags(request, name)
    key = ec2.create_key_pair(KeyName=name, KeyType="ed25519", TagSpecifications=_specification("key-pair", tags))
    key_file = private / "key"
    with os.fdopen(os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(key["KeyMaterial"])
    vpc = _vpc(ec2, request)
    group = ec2.create_security_group(
        GroupName=name,
        Description="SSH into a machine while its image is built",
        TagSpecifications=_specification("security-group", tags),
        **({"VpcId": vpc} if vpc else {}),
    )["GroupId"]
    anywhere = [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=anywhere)
    return Access(name, key_file, group)


def build_tags(request: BuildRequest, name: str) -> dict[str, str]:
    """The tags of everything that a build creates on its way."""
    return {"Name": name, "ami:run": request.run, "ami:image": request.image, "ami:purpose": "build"}


def _vpc(ec2: Any, request: BuildRequest) -> str:
    """The VPC that the machine will be in; empty means the account's default VPC."""
    if request.vpc_id or not request.subnet_id:
        return request.vpc_id
    return str(ec2.describe_subnets(SubnetIds=[request.subnet_id])["Subnets"][0]["VpcId"])


def _specification(kind: str, tags: dict[str, str]) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]
