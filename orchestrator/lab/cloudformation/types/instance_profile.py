"""AWS::IAM::InstanceProfile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.lab.cloudformation.intrinsics import Made
from orchestrator.lab.cloudformation.resource_type import Maker, StackResourceType, keys

if TYPE_CHECKING:
    from collections.abc import Mapping


def _create(maker: Maker, given: Mapping[str, Any]) -> Made:
    iam, name = maker.client("iam"), maker.name(given.get("InstanceProfileName"))
    more = {"Path": given["Path"]} if "Path" in given else {}
    profile = iam.create_instance_profile(InstanceProfileName=name, **more)["InstanceProfile"]
    for role in given["Roles"]:
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role)
    return Made(name, {"Arn": profile["Arn"]})


def _update(maker: Maker, made: Made, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    iam, name = maker.client("iam"), made.physical
    for role in old["Roles"]:
        iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=role)
    for role in new["Roles"]:
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role)


def _delete(maker: Maker, physical: str, _given: Mapping[str, Any]) -> None:
    iam = maker.client("iam")
    for role in iam.get_instance_profile(InstanceProfileName=physical)["InstanceProfile"]["Roles"]:
        iam.remove_role_from_instance_profile(InstanceProfileName=physical, RoleName=role["RoleName"])
    iam.delete_instance_profile(InstanceProfileName=physical)


TYPE = StackResourceType(
    "AWS::IAM::InstanceProfile",
    keys("InstanceProfileName", "Roles", "Path"),
    _create,
    _delete,
    _update,
    required=frozenset({"Roles"}),
    fixed=frozenset({"InstanceProfileName", "Path"}),
    named="InstanceProfileName",
    of_iam=True,
)
