"""What rules about keys need: keys of the caller, and their policies."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.contract.conftest import Contract

#: What a principal needs for an encrypted AMI (EC2 User Guide, "Share an AMI", "Allow ... to use the KMS keys").
TO_LAUNCH = ("kms:DescribeKey", "kms:ReEncrypt*", "kms:CreateGrant", "kms:Decrypt")


def policy(account: str, *others: str, actions: tuple[str, ...] = TO_LAUNCH) -> str:
    """The policy of a key of an account that lets other principals do some things."""
    owner = {"AWS": f"arn:aws:iam::{account}:root"}
    statements: list[dict[str, Any]] = [{"Effect": "Allow", "Principal": owner, "Action": "kms:*", "Resource": "*"}]
    if others:
        shared = {"AWS": list(others)}
        statements.append({"Effect": "Allow", "Principal": shared, "Action": list(actions), "Resource": "*"})
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def key(aws: Contract, region: str = "us-east-1", **options: Any) -> str:
    """The ARN of a new key."""
    kms = aws.client("kms", region)
    arn: str = kms.create_key(**options)["KeyMetadata"]["Arn"]
    aws.later(_schedule, kms=kms, arn=arn)
    return arn


def _schedule(kms: Any, arn: str) -> None:
    if kms.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"] != "PendingDeletion":
        kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
