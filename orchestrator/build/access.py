"""How Packer gets into the machine that it builds on: a key pair and a security group, made before it starts.

Packer 1.6.6 would make both itself, without tags, and a killed Packer would leave things that nobody can attribute.
Here they carry the run's tags from birth. The key is Ed25519: OpenSSH 8.8 and later refuse the SHA-1 signatures that
old Packers make with RSA keys.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.aws import AwsError, error_code
from orchestrator.network import security_group, vpc_of

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.build.request import BuildRequest

#: Looks at what was just made: one a second, for a minute.
_SOON = {"Delay": 1, "MaxAttempts": 60}


@dataclass(frozen=True)
class Access:
    """A key pair of the account with its private half in a file, and a security group that lets SSH in."""

    key_name: str
    key_file: Path
    security_group: str


def prepare(request: BuildRequest, private: Path, number: int = 1) -> Access:
    """Make both, for the attempt `number`. What was made is found again by its tags: see `clean.find_leftovers`."""
    ec2 = request.account.client("ec2")
    name = f"ami-build-{request.run}-{request.image}" + (f"-{number}" if number > 1 else "")
    tags = build_tags(request, name)
    key_file = private / "key"
    with os.fdopen(os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(_key_pair(ec2, name, tags))
    subnets = [subnet for _, subnet in request.places] or [request.subnet_id]
    vpc = vpc_of(ec2, subnets, request.vpc_id)
    wanted = {
        "GroupName": name,
        "Description": "SSH into a machine while its image is built",
        "TagSpecifications": _specification("security-group", tags),
        **({"VpcId": vpc} if vpc else {}),
    }
    group = security_group(ec2, wanted)
    # EC2 may take seconds to know everywhere what it has just made, and Packer would not wait for it.
    ec2.get_waiter("security_group_exists").wait(GroupIds=[group], WaiterConfig=_SOON)
    ec2.get_waiter("key_pair_exists").wait(KeyNames=[name], WaiterConfig=_SOON)
    _let_ssh_in(ec2, group)
    return Access(name, key_file, group)


def build_tags(request: BuildRequest, name: str) -> dict[str, str]:
    """The tags of everything that a build creates on its way. `ami:name` tells whose an AMI without tags is."""
    return {
        "Name": name,
        "ami:run": request.run,
        "ami:image": request.image,
        "ami:purpose": "build",
        "ami:name": request.ami_name,
        **request.run_tags,
    }


def _key_pair(ec2: Any, name: str, tags: dict[str, str]) -> str:
    """Make a key pair whose name nobody else uses. Returns its private half.

    One that is there already was made by an earlier try of the same call whose answer, and so the key, was lost.
    """
    wanted = {"KeyName": name, "KeyType": "ed25519", "TagSpecifications": _specification("key-pair", tags)}
    try:
        return str(ec2.create_key_pair(**wanted)["KeyMaterial"])
    except AwsError as error:
        if error_code(error) != "InvalidKeyPair.Duplicate":
            raise
    ec2.delete_key_pair(KeyName=name)
    return str(ec2.create_key_pair(**wanted)["KeyMaterial"])


def _let_ssh_in(ec2: Any, group: str) -> None:
    anywhere = [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    try:
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=anywhere)
    except AwsError as error:
        if error_code(error) != "InvalidPermission.Duplicate":
            raise


def _specification(kind: str, tags: dict[str, str]) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]
