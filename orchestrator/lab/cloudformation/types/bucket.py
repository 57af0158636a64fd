"""AWS::S3::Bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.lab.cloudformation.intrinsics import Made
from orchestrator.lab.cloudformation.resource_type import Maker, StackResourceType, keys

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_LONGEST = 63
#: The Region that a bucket is made in when none is named (Amazon S3 API Reference, CreateBucket).
_FIRST_REGION = "us-east-1"


def _create(maker: Maker, given: Mapping[str, Any]) -> Made:
    s3 = maker.client("s3")
    name = maker.name(given.get("BucketName"), longest=_LONGEST).lower()
    region = s3.meta.region_name
    place = {} if region == _FIRST_REGION else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket=name, **place)
    _configure(s3, name, {}, given)
    return Made(name, {"Arn": f"arn:aws:s3:::{name}", "DomainName": f"{name}.s3.amazonaws.com"})


def _update(maker: Maker, made: Made, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    _configure(maker.client("s3"), made.physical, old, new)


def _delete(maker: Maker, physical: str, _given: Mapping[str, Any]) -> None:
    """S3 refuses a bucket that has anything in it."""
    maker.client("s3").delete_bucket(Bucket=physical)


def _configure(s3: Any, name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Say what has changed of all that is said of a bucket, and take back what is no longer said."""
    for key, (put, take_back) in _SETTINGS.items():
        if key in new and new[key] != old.get(key):
            put(s3, name, new[key])
        elif key in old and key not in new:
            take_back(s3, name)


def _encryption(told: Mapping[str, Any]) -> dict[str, Any]:
    rules = []
    for each in told["ServerSideEncryptionConfiguration"]:
        usual = each["ServerSideEncryptionByDefault"]
        applied = {"SSEAlgorithm": usual["SSEAlgorithm"]}
        if usual.get("KMSMasterKeyID"):
            applied["KMSMasterKeyID"] = usual["KMSMasterKeyID"]
        key = bool(each.get("BucketKeyEnabled", False))
        rules.append({"ApplyServerSideEncryptionByDefault": applied, "BucketKeyEnabled": key})
    return {"Rules": rules}


def _rule(told: Mapping[str, Any]) -> dict[str, Any]:
    rule = {"ID": told["Id"], "Status": told["Status"], "Filter": {"Prefix": told.get("Prefix", "")}}
    if told.get("ExpiredObjectDeleteMarker"):
        rule["Expiration"] = {"ExpiredObjectDeleteMarker": True}
    if "ExpirationInDays" in told:
        rule["Expiration"] = {"Days": int(told["ExpirationInDays"])}
    for key in ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"):
        if key in told:
            rule[key] = told[key]
    return rule


#: How each setting is said and taken back.
_SETTINGS: Mapping[str, tuple[Callable[[Any, str, Any], Any], Callable[[Any, str], Any]]] = {
    "VersioningConfiguration": (
        lambda s3, name, value: s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=value),
        lambda s3, name: s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Suspended"}),
    ),
    "BucketEncryption": (
        lambda s3, name, value: s3.put_bucket_encryption(
            Bucket=name, ServerSideEncryptionConfiguration=_encryption(value)
        ),
        lambda s3, name: s3.delete_bucket_encryption(Bucket=name),
    ),
    "PublicAccessBlockConfiguration": (
        lambda s3, name, value: s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=value),
        lambda s3, name: s3.delete_public_access_block(Bucket=name),
    ),
    "OwnershipControls": (
        lambda s3, name, value: s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls=value),
        lambda s3, name: s3.delete_bucket_ownership_controls(Bucket=name),
    ),
    "LifecycleConfiguration": (
        lambda s3, name, value: s3.put_bucket_lifecycle_configuration(
            Bucket=name, LifecycleConfiguration={"Rules": [_rule(each) for each in value["Rules"]]}
        ),
        lambda s3, name: s3.delete_bucket_lifecycle(Bucket=name),
    ),
}

TYPE = StackResourceType(
    "AWS::S3::Bucket",
    keys(
        "BucketName",
        VersioningConfiguration=keys("Status"),
        BucketEncryption=keys(
            ServerSideEncryptionConfiguration=keys(
                "BucketKeyEnabled",
                ServerSideEncryptionByDefault=keys("SSEAlgorithm", "KMSMasterKeyID"),
            ),
        ),
        PublicAccessBlockConfiguration=keys(
            "BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"
        ),
        OwnershipControls=keys(Rules=keys("ObjectOwnership")),
        LifecycleConfiguration=keys(
            Rules=keys(
                "Id",
                "Status",
                "Prefix",
                "ExpirationInDays",
                "ExpiredObjectDeleteMarker",
                NoncurrentVersionExpiration=keys("NoncurrentDays"),
                AbortIncompleteMultipartUpload=keys("DaysAfterInitiation"),
            ),
        ),
    ),
    _create,
    _delete,
    _update,
    fixed=frozenset({"BucketName"}),
)
