"""The long form of what was said of a version: `versions/<AMI id>.json` in the artifact bucket.

Tags hold what is searched by and what decides something; the record holds the rest: each state and when it was given,
reasons uncut, counts and seconds as numbers. Nothing is decided by it. Without a bucket, or when it does not answer,
there is none.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypedDict

from orchestrator.aws.account import AwsError, error_code
from orchestrator.aws.conditional import ABSENT, FASTER
from orchestrator.masks import hidden

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrator.aws.account import Account
    from orchestrator.contract.show import ProtectedLayerJson
    from orchestrator.registry.version import Version

LOG = logging.getLogger(__name__)

#: How often the record is tried to be written while others write it.
_ATTEMPTS = 3

#: Facts of a version that do not change after it was built.
_LINEAGE = ("image", "version", "fingerprint", "parent", "source", "source_ami", "commit", "owner", "layers")


@dataclass(frozen=True)
class Statement:
    """What one run said of a version: `tests` counts how they ended, `proof` is their fingerprint.

    `reason` is as long as it is; `seconds` is what each step took ("build", "validate"). `programs` are the versions
    of Packer and of its plugins, when the run built the version. `untested` says why roles had no tests. `protected`
    are the protected layers that the run built it from.
    """

    run: str
    reason: str = ""
    tests: Mapping[str, int] = field(default_factory=dict)
    proof: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    programs: Mapping[str, str] = field(default_factory=dict)
    untested: Mapping[str, str] = field(default_factory=dict)
    protected: Sequence[ProtectedLayerJson] = ()


def append(account: Account, bucket: str, version: Version, statement: Statement) -> None:
    """Add to the record of a version the state that it has now, and what was said with it.

    Nothing fails for want of it: without a bucket nothing is written, and what the bucket refuses is logged.
    """
    if not bucket:
        return
    entry = {"state": str(version.state), "at": datetime.now(UTC).isoformat(timespec="seconds"), **asdict(statement)}
    try:
        for _ in range(_ATTEMPTS):
            if _appended(account, bucket, version, entry):
                return
        LOG.warning("the record of %s was not written: others write it all the time", version.ami_id)
    except (*AwsError, ValueError) as error:
        LOG.warning("the record of %s was not written: %s", version.ami_id, error)


def history(account: Account, bucket: str, ami_id: str) -> list[dict[str, Any]]:
    """What was said of a version, the oldest first; empty when there is no record, or it cannot be read."""
    if not bucket:
        return []
    try:
        return _read(account, bucket, ami_id)[0]
    except (*AwsError, ValueError) as error:
        LOG.info("no record of %s: %s", ami_id, error)
        return []


def _key(ami_id: str) -> str:
    return f"versions/{ami_id}.json"


class _Condition(TypedDict, total=False):
    """What PutObject compares before it writes."""

    IfMatch: str
    IfNoneMatch: str


def _appended(account: Account, bucket: str, version: Version, entry: dict[str, Any]) -> bool:
    """Write the record with one entry more, unless somebody else has written it since it was read."""
    before, etag = _read(account, bucket, version.ami_id)
    facts = {name: getattr(version, name) for name in _LINEAGE}
    record = {"ami_id": version.ami_id, **facts, "history": [*before, entry]}
    condition: _Condition = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
    try:
        account.client("s3").put_object(
            Bucket=bucket,
            Key=_key(version.ami_id),
            Body=json.dumps(hidden(record), indent=2).encode(),
            ContentType="application/json",
            **condition,
        )
    except AwsError as error:
        if error_code(error) not in FASTER:
            raise
        return False
    return True


def _read(account: Account, bucket: str, ami_id: str) -> tuple[list[dict[str, Any]], str]:
    """What the record has, and its ETag; both empty when there is none yet. Raises ValueError for another object."""
    try:
        answer = account.client("s3").get_object(Bucket=bucket, Key=_key(ami_id))
    except AwsError as error:
        if error_code(error) not in ABSENT:
            raise
        return [], ""
    found = json.loads(answer["Body"].read())
    entries = found.get("history") if isinstance(found, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError(f"the object {_key(ami_id)} is no record of a version")
    return entries, str(answer["ETag"])
