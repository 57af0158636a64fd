"""Leases as objects of a bucket: read, made, replaced and deleted by conditional requests.

"S3 User Guide, How to prevent object overwrites with conditional writes", and "... conditional deletes". What is
written differs each time, so that no two states of a lease have the same ETag. boto3 repeats a request whose answer
was lost; the repetition then fails on the effect of the first. So a refused condition is decided by what the object
holds, not by the refusal.
"""

from __future__ import annotations

import json
import math
import secrets
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from orchestrator.aws.account import AwsError, error_code, refusal, told
from orchestrator.aws.conditional import ABSENT, FASTER
from orchestrator.errors import LackError
from orchestrator.run.leases.owner import Life, owner_from

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from orchestrator.run.leases.owner import LeaseOwner

#: Where leases are in the bucket.
PREFIX = "leases/"

#: Somebody else was faster: a lease that is gone was removed meanwhile.
_FASTER = FASTER | ABSENT
_LACKING = frozenset({"AccessDenied", "403", "NoSuchBucket", "AllAccessDisabled", "PermanentRedirect"})
_DENIED = "AccessDenied"
_HINT_OF_ROLE = "whoever builds or tests has the policies of docs/iam: `ami bootstrap` makes roles that have them"


@dataclass(frozen=True)
class Record:
    """A lease as it was read."""

    key: str
    etag: str
    #: Names the hold that wrote it.
    token: str
    #: None when the object is not one that the factory wrote.
    owner: LeaseOwner | None
    #: How many seconds ago it was written, by the bucket's clock alone.
    age: int
    #: Seconds after which its owner itself allows others to take it.
    ttl: float
    region: str = ""
    #: For how many seconds the hold had lasted when it was written, by its owner's clock alone.
    held: float = 0.0

    @property
    def lasted(self) -> float:
        """For how many seconds the hold lasts, without comparing two clocks."""
        return self.held + self.age

    @property
    def stale(self) -> bool:
        """Whether the owner gave no sign of life for longer than it promised. S3 tells times in whole seconds."""
        return self.age > math.ceil(self.ttl)

    @property
    def dead(self) -> bool:
        """Whether the owner is dead: its process is gone, or it gave no sign of life for too long."""
        return self.stale or (self.owner is not None and self.owner.life is Life.GONE)


@dataclass(frozen=True)
class ListedLease:
    """What a list of all leases tells of one: enough to know whether it changed, and how long it did not."""

    etag: str
    #: As that of a `Record`.
    age: int


class Records:
    """The leases of one bucket. Every method raises LackError when the bucket cannot be used."""

    def __init__(self, s3: Any, bucket: str, region: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._region = region

    def read(self, key: str, *, ttl: float) -> Record | None:
        """The lease of a key; None when there is none. `ttl` is for an object that does not tell its own."""
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=PREFIX + key)
            body = answer["Body"].read()
        except AwsError as error:
            if error_code(error) in ABSENT:
                return None
            raise self._refused(error) from error
        return _record(key, answer, body, ttl)

    def write(self, key: str, owner: LeaseOwner, *, token: str, ttl: float, over: str = "", held: float = 0.0) -> str:
        """Write a lease: a new one, or `over` the state with that ETag. Returns the ETag, empty: it was not to be.

        `held` is for how many seconds the hold has lasted.
        """
        hold = {"token": token, "beat": secrets.token_hex(8), "ttl": ttl, "region": self._region, "held": held}
        condition = {"IfMatch": over} if over else {"IfNoneMatch": "*"}
        body = json.dumps(owner.as_json() | hold, indent=2).encode()
        try:
            written = self._s3.put_object(
                Bucket=self._bucket, Key=PREFIX + key, Body=body, ContentType="application/json", **condition
            )
        except AwsError as error:
            if error_code(error) not in _FASTER:
                raise self._refused(error) from error
            return self._written_after_all(key, body)
        return str(written["ETag"])

    def delete(self, key: str, etag: str) -> bool:
        """Delete the lease if it is still in that state. Returns whether it is gone."""
        try:
            self._s3.delete_object(Bucket=self._bucket, Key=PREFIX + key, IfMatch=etag)
        except AwsError as error:
            if error_code(error) not in _FASTER:
                raise self._refused(error) from error
            return error_code(error) in ABSENT
        return True

    def keys(self) -> Iterator[str]:
        """The keys of all leases."""
        yield from self.listed()

    def listed(self) -> dict[str, ListedLease]:
        """All leases by key: one request for each thousand."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=PREFIX)
        try:
            return {
                str(lease["Key"]).removeprefix(PREFIX): ListedLease(
                    str(lease["ETag"]), _age(page, lease["LastModified"])
                )
                for page in pages
                for lease in page.get("Contents", ())
            }
        except AwsError as error:
            raise self._refused(error) from error

    def _written_after_all(self, key: str, body: bytes) -> str:
        """The ETag of the object when it holds what we wrote: the answer to it was lost."""
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=PREFIX + key)
            return str(answer["ETag"]) if answer["Body"].read() == body else ""
        except AwsError as error:
            if error_code(error) in ABSENT:
                return ""
            raise self._refused(error) from error

    def _refused(self, error: Exception) -> Exception:
        if error_code(error) not in _LACKING:
            return refusal(error) or error
        said = f"the bucket '{self._bucket}' cannot be used for leases: {told(error)}"
        hint = (
            "`artifact_bucket` of the environment names a bucket of the account's, in which objects may be listed, "
            "read, written and deleted"
        )
        return LackError(said, hint=_HINT_OF_ROLE if error_code(error) == _DENIED else hint)


def _record(key: str, answer: Any, body: bytes, ttl: float) -> Record:
    try:
        values = json.loads(body)
        told = {"token": str(values["token"]), "ttl": float(values["ttl"]), "region": str(values["region"])}
        held = float(values.get("held", 0.0))  # earlier versions did not write it
    except (ValueError, TypeError, KeyError):
        told, held = {"token": "", "ttl": ttl, "region": ""}, 0.0
    age = _age(answer, answer["LastModified"])
    return Record(key, str(answer["ETag"]), owner=owner_from(body), age=age, held=held, **told)  # type: ignore[arg-type]


def _age(answer: Any, modified: datetime) -> int:
    """Seconds from LastModified to the answer, both by S3's clock. Without a Date nothing is known: 0."""
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    return int((parsedate_to_datetime(date) - modified).total_seconds()) if date else 0
