"""AWS::KMS::Key."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from orchestrator.lab.cloudformation.intrinsics import Made
from orchestrator.lab.cloudformation.resource_type import Maker, StackResourceType, keys

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Days until a deleted key is gone, when the template does not say it.
_USUAL = 30


def _create(maker: Maker, given: Mapping[str, Any]) -> Made:
    kms = maker.client("kms")
    more = {key: given[key] for key in ("Description", "KeySpec", "KeyUsage") if key in given}
    if "KeyPolicy" in given:
        more["Policy"] = json.dumps(given["KeyPolicy"])
    key = kms.create_key(**more)["KeyMetadata"]
    _rotate(kms, key["KeyId"], given)
    return Made(key["KeyId"], {"Arn": key["Arn"], "KeyId": key["KeyId"]})


def _rotate(kms: Any, key: str, given: Mapping[str, Any]) -> None:
    if given.get("EnableKeyRotation"):
        kms.enable_key_rotation(KeyId=key)


def _update(maker: Maker, made: Made, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    kms, key = maker.client("kms"), made.physical
    if old.get("KeyPolicy") != new.get("KeyPolicy"):
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(new["KeyPolicy"]))
    kms.update_key_description(KeyId=key, Description=new.get("Description", ""))
    if old.get("EnableKeyRotation") and not new.get("EnableKeyRotation"):
        kms.disable_key_rotation(KeyId=key)
    _rotate(kms, key, new)


def _delete(maker: Maker, physical: str, given: Mapping[str, Any]) -> None:
    days = int(given.get("PendingWindowInDays", _USUAL))
    maker.client("kms").schedule_key_deletion(KeyId=physical, PendingWindowInDays=days)


TYPE = StackResourceType(
    "AWS::KMS::Key",
    keys("Description", "EnableKeyRotation", "KeyPolicy", "KeySpec", "KeyUsage", "PendingWindowInDays"),
    _create,
    _delete,
    _update,
    fixed=frozenset({"KeySpec", "KeyUsage"}),
)
