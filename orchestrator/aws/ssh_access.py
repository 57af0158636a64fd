"""What lets SSH into a machine of the factory's own: a key pair, and a rule of its security group."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from orchestrator.aws.account import AwsError, error_code

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import (
        CreateKeyPairRequestTypeDef,
        IpPermissionTypeDef,
        TagSpecificationTypeDef,
        WaiterConfigTypeDef,
    )

#: Looks at what was just made: one a second, for a minute.
_SOON: WaiterConfigTypeDef = {"Delay": 1, "MaxAttempts": 60}


def key_pair(ec2: EC2Client, name: str, specification: TagSpecificationTypeDef, key_file: Path) -> None:
    """Make a key pair whose name nobody else uses, and write its private half into a file of the owner alone.

    `specification` has its tags. The key is Ed25519: OpenSSH 8.8 and later refuse the SHA-1 signatures that old Packers
    make with RSA keys. Returns when EC2 knows the key pair everywhere.
    """
    material = _made(ec2, {"KeyName": name, "KeyType": "ed25519", "TagSpecifications": [specification]})
    with os.fdopen(os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(material)
    ec2.get_waiter("key_pair_exists").wait(KeyNames=[name], WaiterConfig=_SOON)


def _made(ec2: EC2Client, wanted: CreateKeyPairRequestTypeDef) -> str:
    """The private half. A pair that is there already was made by an earlier try of the same call, whose answer, and so
    the key, was lost.
    """
    try:
        return str(ec2.create_key_pair(**wanted)["KeyMaterial"])
    except AwsError as error:
        if error_code(error) != "InvalidKeyPair.Duplicate":
            raise
    ec2.delete_key_pair(KeyName=wanted["KeyName"])
    return str(ec2.create_key_pair(**wanted)["KeyMaterial"])


def let_in(ec2: EC2Client, group: str) -> None:
    """Let SSH into a security group that was just made, from anywhere: the key decides who gets in."""
    await_group(ec2, group)
    anywhere: list[IpPermissionTypeDef] = [
        {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ]
    try:
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=anywhere)
    except AwsError as error:
        if error_code(error) != "InvalidPermission.Duplicate":
            raise


def await_group(ec2: EC2Client, group: str) -> None:
    """Return when EC2 knows a security group that was just made."""
    ec2.get_waiter("security_group_exists").wait(GroupIds=[group], WaiterConfig=_SOON)
