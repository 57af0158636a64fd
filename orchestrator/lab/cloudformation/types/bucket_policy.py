"""AWS::S3::BucketPolicy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from orchestrator.lab.cloudformation.intrinsics import Made
from orchestrator.lab.cloudformation.resource_type import Maker, StackResourceType, keys

if TYPE_CHECKING:
    from collections.abc import Mapping


def _create(maker: Maker, given: Mapping[str, Any]) -> Made:
    maker.client("s3").put_bucket_policy(Bucket=given["Bucket"], Policy=json.dumps(given["PolicyDocument"]))
    return Made(str(given["Bucket"]))


def _update(maker: Maker, _made: Made, _old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    _create(maker, new)


def _delete(maker: Maker, physical: str, _given: Mapping[str, Any]) -> None:
    maker.client("s3").delete_bucket_policy(Bucket=physical)


TYPE = StackResourceType(
    "AWS::S3::BucketPolicy",
    keys("Bucket", "PolicyDocument"),
    _create,
    _delete,
    _update,
    required=frozenset({"Bucket", "PolicyDocument"}),
    fixed=frozenset({"Bucket"}),
)
