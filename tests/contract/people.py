"""Users and roles that a rule makes, with the policies that it is about."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3

if TYPE_CHECKING:
    from tests.contract.conftest import Contract

#: Seconds within which AWS knows a new user, key or policy everywhere (IAM User Guide, "Changes that I make are not
#: always immediately visible").
_SETTLES = 15.0
#: As statements name them.
ALLOW, DENY = "Allow", "Deny"


def statement(action: Any, resource: Any = "*", effect: str = ALLOW, **more: Any) -> dict[str, Any]:
    """One statement of a policy."""
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def document(*statements: dict[str, Any]) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@dataclass(frozen=True)
class Person:
    """A user or a session, as boto3 needs it."""

    aws: Contract
    credentials: dict[str, str]
    arn: str

    def client(self, service: str, region: str = "us-east-1") -> Any:
        """A client with these credentials."""
        return boto3.client(  # type: ignore[call-overload] # of any service
            service, region_name=region, endpoint_url=self.aws.endpoint, **self.credentials
        )


def settle(aws: Contract) -> None:
    """Wait until AWS knows what was made; a lab knows it at once."""
    if aws.endpoint is None:
        time.sleep(_SETTLES)


def user(aws: Contract, *statements: dict[str, Any], tags: dict[str, str] | None = None, name: str = "") -> Person:
    """A new user with an inline policy."""
    iam, name = aws.client("iam"), name or aws.name
    tagged = [{"Key": key, "Value": value} for key, value in (tags or {}).items()]
    arn = iam.create_user(UserName=name, Tags=tagged)["User"]["Arn"]
    aws.later(iam.delete_user, UserName=name)
    if statements:
        iam.put_user_policy(UserName=name, PolicyName="rule", PolicyDocument=document(*statements))
        aws.later(iam.delete_user_policy, UserName=name, PolicyName="rule")
    key = iam.create_access_key(UserName=name)["AccessKey"]
    aws.later(iam.delete_access_key, UserName=name, AccessKeyId=key["AccessKeyId"])
    settle(aws)
    keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    return Person(aws, keys, arn)


def role(
    aws: Contract, principal: Any, *statements: dict[str, Any], iam: Any = None, name: str = "", **more: Any
) -> str:
    """A new role that `principal` may assume, with an inline policy; returns its ARN."""
    iam, name = iam or aws.client("iam"), name or aws.name
    condition = {"Condition": more.pop("condition")} if "condition" in more else {}
    trust = {"Effect": ALLOW, "Principal": principal, "Action": ["sts:AssumeRole", "sts:TagSession"], **condition}
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust), **more)["Role"]
    aws.later(iam.delete_role, RoleName=name)
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="rule", PolicyDocument=document(*statements))
        aws.later(iam.delete_role_policy, RoleName=name, PolicyName="rule")
    settle(aws)
    return str(made["Arn"])


def assumed(aws: Contract, arn: str, sts: Any = None, **arguments: Any) -> Person:
    """A session of a role."""
    answer = (sts or aws.client("sts")).assume_role(RoleArn=arn, RoleSessionName="rule", **arguments)
    given = answer["Credentials"]
    keys = {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }
    return Person(aws, keys, str(answer["AssumedRoleUser"]["Arn"]))
