"""What a call of S3 needs the right to do.

Source: Amazon S3 User Guide, "Required permissions for Amazon S3 API operations".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote
from xml.etree import ElementTree as ET

from moto.s3.models import s3_backends

from orchestrator.lab.rights.key_names import key_arn
from orchestrator.lab.rights.need import Need, tag_keys

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: IAM's names of actions, where they differ from the API's.
_ACTIONS = {
    "AbortMultipartUpload": "AbortMultipartUpload", "CompleteMultipartUpload": "PutObject", "CopyObject": "PutObject",
    "CreateMultipartUpload": "PutObject", "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration", "DeleteBucketTagging": "PutBucketTagging",
    "DeleteObjects": "DeleteObject", "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock", "HeadBucket": "ListBucket", "HeadObject": "GetObject",
    "ListBuckets": "ListAllMyBuckets", "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListObjectVersions": "ListBucketVersions", "ListObjects": "ListBucket", "ListObjectsV2": "ListBucket",
    "ListParts": "ListMultipartUploadParts", "PutBucketEncryption": "PutEncryptionConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock", "UploadPart": "PutObject", "UploadPartCopy": "PutObject",
}  # fmt: skip
#: These have another right for a version of an object that is named.
_VERSIONED = ("GetObject", "DeleteObject", "GetObjectTagging", "PutObjectTagging", "GetObjectAcl", "PutObjectAcl")
_LISTS = ("ListBucket", "ListBucketVersions")
_COPIES = ("CopyObject", "UploadPartCopy")
#: What the key of a bucket is used for.
_KEY_USES = {"GetObject": "Decrypt", "GetObjectVersion": "Decrypt", "PutObject": "GenerateDataKey"}
_OBJECT_ACTIONS = ("AbortMultipartUpload", "ListMultipartUploadParts")


def s3_needs(action: str, environ: Mapping[str, Any], body: bytes) -> Iterator[Need]:
    """Every right that a call takes, of a request in the path style."""
    bucket, _, key = unquote(str(environ.get("PATH_INFO", ""))).lstrip("/").partition("/")
    query = dict(parse_qsl(str(environ.get("QUERY_STRING", "")), keep_blank_values=True))
    name = _ACTIONS.get(action, action)
    version = query.get("versionId", "")
    if version and name in _VERSIONED:
        name = name.replace("Object", "ObjectVersion")
    keys = _keys(environ, query, version, lists=name in _LISTS)
    if action == "DeleteObjects":
        yield from (_need(name, bucket, each, keys) for each in _named(body))
        return
    yield _need(name, bucket, key, keys)
    yield from _of_key(name, bucket)
    source = unquote(str(environ.get("HTTP_X_AMZ_COPY_SOURCE", ""))).lstrip("/").partition("?")[0]
    if action in _COPIES and source:
        theirs, _, their_key = source.partition("/")
        yield _need("GetObject", theirs, their_key, {})


def _of_key(name: str, bucket: str) -> Iterator[Need]:
    """What S3 asks of the key of a bucket that is encrypted by one, for whoever calls (S3 User Guide, "SSE-KMS")."""
    owner = s3_backends.bucket_accounts.get(bucket)
    use = _KEY_USES.get(name)
    if owner is None or use is None:
        return
    there = s3_backends[owner[1]][owner[0]].buckets[bucket]
    rule = (there.encryption or {}).get("Rule") or {}
    usual = (rule[0] if isinstance(rule, list) else rule).get("ApplyServerSideEncryptionByDefault", {})
    if usual.get("SSEAlgorithm") == "aws:kms" and usual.get("KMSMasterKeyID"):
        arn = key_arn(str(usual["KMSMasterKeyID"]), str(owner[1]), str(there.region_name))
        keys = {"kms:ViaService": (f"s3.{there.region_name}.amazonaws.com",)}
        yield Need(f"kms:{use}", arn, "key", arn.split(":")[4], keys)


def _need(name: str, bucket: str, key: str, keys: Mapping[str, tuple[str, ...]]) -> Need:
    if not bucket:
        return Need(f"s3:{name}", keys=keys)
    # One that is made is the caller's own, whoever has the name already.
    owner = s3_backends.bucket_accounts.get(bucket) if name != "CreateBucket" else None
    resource = f"arn:aws:s3:::{bucket}/{key}" if key else f"arn:aws:s3:::{bucket}"
    return Need(f"s3:{name}", resource, "object" if key else "bucket", str(owner[1] if owner else ""), keys)


def _keys(
    environ: Mapping[str, Any], query: Mapping[str, str], version: str, *, lists: bool
) -> dict[str, tuple[str, ...]]:
    texts = {f"s3:{name}": query.get(name) for name in ("prefix", "delimiter", "max-keys") if lists}
    texts |= {
        f"s3:x-amz-{name}": environ.get(f"HTTP_X_AMZ_{name.upper().replace('-', '_')}")
        for name in ("acl", "server-side-encryption", "server-side-encryption-aws-kms-key-id", "storage-class")
    }
    texts |= {
        "s3:VersionId": version or None,
        "s3:if-none-match": environ.get("HTTP_IF_NONE_MATCH"),
        "s3:if-match": environ.get("HTTP_IF_MATCH"),
    }
    tags = dict(parse_qsl(str(environ.get("HTTP_X_AMZ_TAGGING", ""))))
    tagged = {f"s3:RequestObjectTag/{key}": (value,) for key, value in tags.items()}
    return {key: (str(value),) for key, value in texts.items() if value is not None} | tagged | tag_keys(tags)


def _named(body: bytes) -> list[str]:
    """The keys that DeleteObjects names."""
    root = ET.fromstring(body)  # noqa: S314  a client's own request
    return [each.text or "" for each in root.iter() if each.tag.rpartition("}")[2] == "Key"]
