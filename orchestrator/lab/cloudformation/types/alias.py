"""AWS::KMS::Alias."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.lab.cloudformation.intrinsics import Made
from orchestrator.lab.cloudformation.resource_type import Maker, StackResourceType, keys

if TYPE_CHECKING:
    from collections.abc import Mapping


def _create(maker: Maker, given: Mapping[str, Any]) -> Made:
    maker.client("kms").create_alias(AliasName=given["AliasName"], TargetKeyId=given["TargetKeyId"])
    return Made(str(given["AliasName"]))


def _update(maker: Maker, made: Made, _old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    maker.client("kms").update_alias(AliasName=made.physical, TargetKeyId=new["TargetKeyId"])


def _delete(maker: Maker, physical: str, _given: Mapping[str, Any]) -> None:
    maker.client("kms").delete_alias(AliasName=physical)


TYPE = StackResourceType(
    "AWS::KMS::Alias",
    keys("AliasName", "TargetKeyId"),
    _create,
    _delete,
    _update,
    required=frozenset({"AliasName", "TargetKeyId"}),
    fixed=frozenset({"AliasName"}),
)
