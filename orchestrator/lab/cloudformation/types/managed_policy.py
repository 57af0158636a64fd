"""AWS::IAM::ManagedPolicy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from orchestrator.lab.cloudformation.intrinsics import Made
from orchestrator.lab.cloudformation.resource_type import Maker, StackResourceType, keys

if TYPE_CHECKING:
    from collections.abc import Mapping


def _create(maker: Maker, given: Mapping[str, Any]) -> Made:
    more = {key: given[key] for key in ("Description", "Path") if key in given}
    arn = maker.client("iam").create_policy(
        PolicyName=maker.name(given.get("ManagedPolicyName")),
        PolicyDocument=json.dumps(given["PolicyDocument"]),
        **more,
    )["Policy"]["Arn"]
    return Made(arn, {"PolicyArn": arn})


def _update(maker: Maker, made: Made, _old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """A new version in the place of the one before: a policy has five at most."""
    iam, arn = maker.client("iam"), made.physical
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(new["PolicyDocument"]), SetAsDefault=True)
    for each in versions:
        iam.delete_policy_version(PolicyArn=arn, VersionId=each["VersionId"])


def _delete(maker: Maker, physical: str, _given: Mapping[str, Any]) -> None:
    iam = maker.client("iam")
    for each in iam.list_policy_versions(PolicyArn=physical)["Versions"]:
        if not each["IsDefaultVersion"]:
            iam.delete_policy_version(PolicyArn=physical, VersionId=each["VersionId"])
    iam.delete_policy(PolicyArn=physical)


TYPE = StackResourceType(
    "AWS::IAM::ManagedPolicy",
    keys("ManagedPolicyName", "PolicyDocument", "Description", "Path"),
    _create,
    _delete,
    _update,
    required=frozenset({"PolicyDocument"}),
    fixed=frozenset({"ManagedPolicyName", "Description", "Path"}),
    named="ManagedPolicyName",
    of_iam=True,
)
