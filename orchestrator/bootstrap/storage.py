"""The bucket of an environment and the key that encrypts it, as resources of CloudFormation.

Source: Amazon S3 User Guide, "Security best practices for Amazon S3"; AWS CloudFormation Template Reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.bootstrap.order import BootstrapOrder

#: Days for which the bucket keeps what was written over or deleted. Leases come and go with each build.
_VERSIONS_KEPT = 30
#: Days until a deleted key is gone: the fewest that KMS allows (AWS KMS API Reference, ScheduleKeyDeletion).
_PENDING = 7


def key_arn(order: BootstrapOrder) -> Any:
    """The ARN of the bucket's key: the one that is made, or the one that the environment names."""
    if makes_key(order):
        return "${Key.Arn}"
    named = order.key
    return (
        named
        if named.startswith("arn:")
        else f"arn:${{AWS::Partition}}:kms:${{AWS::Region}}:${{AWS::AccountId}}:key/{named}"
    )


def makes_key(order: BootstrapOrder) -> bool:
    """Whether the key is made: the environment names none, or one by an alias."""
    return not order.key or order.key.startswith("alias/")


def storage(order: BootstrapOrder) -> dict[str, Any]:
    """The resources by their names in the template."""
    kept = "Delete" if order.removable else "Retain"
    lasting = {"DeletionPolicy": kept, "UpdateReplacePolicy": kept}
    found = {"Bucket": {"Type": "AWS::S3::Bucket", **lasting, "Properties": _bucket(order)}, "BucketPolicy": _policy()}
    if makes_key(order):
        found["Key"] = {"Type": "AWS::KMS::Key", **lasting, "Properties": _key(order)}
        found["KeyAlias"] = {
            "Type": "AWS::KMS::Alias",
            "Properties": {"AliasName": order.key or f"alias/{order.stack}", "TargetKeyId": {"Ref": "Key"}},
        }
    return found


def _bucket(order: BootstrapOrder) -> dict[str, Any]:
    made_up = {"Fn::Sub": f"{order.stack.lower()}-${{AWS::AccountId}}-${{AWS::Region}}"}
    encryption = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": {"Fn::Sub": key_arn(order)}}
    closed = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    return {
        "BucketName": order.bucket or made_up,
        "VersioningConfiguration": {"Status": "Enabled"},
        "BucketEncryption": {
            "ServerSideEncryptionConfiguration": [
                {"ServerSideEncryptionByDefault": encryption, "BucketKeyEnabled": True},
            ],
        },
        "PublicAccessBlockConfiguration": dict.fromkeys(closed, True),
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "LifecycleConfiguration": {
            "Rules": [
                {
                    "Id": "OldVersions",
                    "Status": "Enabled",
                    "NoncurrentVersionExpiration": {"NoncurrentDays": _VERSIONS_KEPT},
                    "ExpiredObjectDeleteMarker": True,
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": _PENDING},
                },
            ],
        },
    }


def _policy() -> dict[str, Any]:
    arn = "arn:${AWS::Partition}:s3:::${Bucket}"
    statement = {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [{"Fn::Sub": arn}, {"Fn::Sub": f"{arn}/*"}],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return {
        "Type": "AWS::S3::BucketPolicy",
        "Properties": {
            "Bucket": {"Ref": "Bucket"},
            "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        },
    }


def _key(order: BootstrapOrder) -> dict[str, Any]:
    """IAM policies of the account decide who may use it (AWS KMS Developer Guide, "Default key policy")."""
    root = {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}}
    statement = {"Sid": "Account", "Effect": "Allow", "Principal": root, "Action": "kms:*", "Resource": "*"}
    return {
        "Description": f"Encrypts the artifact bucket and the images of the environment {order.environment}",
        "EnableKeyRotation": True,
        "PendingWindowInDays": _PENDING,
        "KeyPolicy": {"Version": "2012-10-17", "Statement": [statement]},
    }
