"""AWS::IAM::Role."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from orchestrator.lab.cloudformation.intrinsics import Made
from orchestrator.lab.cloudformation.resource_type import Maker, StackResourceType, keys

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST = 64
_HOUR = 3600


def _create(maker: Maker, given: Mapping[str, Any]) -> Made:
    iam, name = maker.client("iam"), maker.name(given.get("RoleName"), longest=_LONGEST)
    more = {key: given[key] for key in ("Description", "Path", "PermissionsBoundary", "Tags") if key in given}
    role = iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps(given["AssumeRolePolicyDocument"]),
        MaxSessionDuration=int(given.get("MaxSessionDuration", _HOUR)),
        **more,
    )["Role"]
    try:
        _allow(iam, name, {}, given)
    except Exception:
        _delete(maker, name, given)
        raise
    return Made(name, {"Arn": role["Arn"], "RoleId": role["RoleId"]})


def _allow(iam: Any, name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Attach and write policies, and take away what is no longer among them."""
    attached = {each["PolicyArn"] for each in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]}
    before, after = (set(each.get("ManagedPolicyArns", [])) for each in (old, new))
    for arn in sorted(after - before):
        iam.attach_role_policy(RoleName=name, PolicyArn=arn)
    for arn in sorted((before - after) & attached):
        iam.detach_role_policy(RoleName=name, PolicyArn=arn)
    written = {each["PolicyName"]: each["PolicyDocument"] for each in new.get("Policies", [])}
    for policy, document in written.items():
        iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(document))
    for each in old.get("Policies", []):
        if each["PolicyName"] not in written:
            iam.delete_role_policy(RoleName=name, PolicyName=each["PolicyName"])


def _update(maker: Maker, made: Made, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    iam, name = maker.client("iam"), made.physical
    trust = json.dumps(new["AssumeRolePolicyDocument"])
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust)
    iam.update_role(
        RoleName=name,
        Description=str(new.get("Description", "")),
        MaxSessionDuration=int(new.get("MaxSessionDuration", _HOUR)),
    )
    _allow(iam, name, old, new)


def _delete(maker: Maker, physical: str, _given: Mapping[str, Any]) -> None:
    """CloudFormation takes away whatever is attached, also by others."""
    iam = maker.client("iam")
    for each in iam.list_attached_role_policies(RoleName=physical)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=physical, PolicyArn=each["PolicyArn"])
    for name in iam.list_role_policies(RoleName=physical)["PolicyNames"]:
        iam.delete_role_policy(RoleName=physical, PolicyName=name)
    iam.delete_role(RoleName=physical)


TYPE = StackResourceType(
    "AWS::IAM::Role",
    keys(
        "RoleName",
        "AssumeRolePolicyDocument",
        "ManagedPolicyArns",
        "MaxSessionDuration",
        "Description",
        "Path",
        "PermissionsBoundary",
        Policies=keys("PolicyName", "PolicyDocument"),
        Tags=keys("Key", "Value"),
    ),
    _create,
    _delete,
    _update,
    required=frozenset({"AssumeRolePolicyDocument"}),
    fixed=frozenset({"RoleName", "Path", "PermissionsBoundary", "Tags"}),
    named="RoleName",
    of_iam=True,
)
