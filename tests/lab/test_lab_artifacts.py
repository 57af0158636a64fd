"""The artifact bucket: conditional writes, under concurrency, and one clock."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

BUCKET = "ami-lab-artifacts"


@pytest.fixture
def s3(client: Callable[..., Any]) -> Any:
    return client("s3")


@pytest.fixture
def key(s3: Any, request: pytest.FixtureRequest) -> Any:
    """A key that is not there, and will not be after the test."""
    name = f"leases/{request.node.name}"
    yield name
    s3.delete_object(Bucket=BUCKET, Key=name)


def refusal(call: Callable[..., Any], **arguments: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as refused:
        call(Bucket=BUCKET, **arguments)
    response: Any = refused.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def test_the_bucket_is_there_from_the_start(s3: Any) -> None:
    assert BUCKET in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}


def test_a_client_writes_the_bucket_into_the_path(s3: Any, key: str) -> None:
    """`http://bucket.127.0.0.1` is no address."""
    url = s3.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": key})
    assert f"{s3.meta.endpoint_url}/{BUCKET}/leases/" in url


def test_a_key_is_made_once(s3: Any, key: str) -> None:
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"first", IfNoneMatch="*")
    assert refusal(s3.put_object, Key=key, Body=b"second", IfNoneMatch="*") == ("PreconditionFailed", 412)
    assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == b"first"


def test_a_key_is_written_over_by_who_has_seen_it_last(s3: Any, key: str) -> None:
    first = s3.put_object(Bucket=BUCKET, Key=key, Body=b"first")["ETag"]
    second = s3.put_object(Bucket=BUCKET, Key=key, Body=b"second", IfMatch=first)["ETag"]
    assert refusal(s3.put_object, Key=key, Body=b"third", IfMatch=first) == ("PreconditionFailed", 412)
    assert s3.head_object(Bucket=BUCKET, Key=key)["ETag"] == second


def test_a_key_that_is_gone_is_not_written_over(s3: Any, key: str) -> None:
    tag = s3.put_object(Bucket=BUCKET, Key=key, Body=b"first")["ETag"]
    s3.delete_object(Bucket=BUCKET, Key=key)
    assert refusal(s3.put_object, Key=key, Body=b"second", IfMatch=tag) == ("NoSuchKey", 404)


def test_a_key_is_deleted_by_who_has_seen_it_last(s3: Any, key: str) -> None:
    first = s3.put_object(Bucket=BUCKET, Key=key, Body=b"first")["ETag"]
    second = s3.put_object(Bucket=BUCKET, Key=key, Body=b"second")["ETag"]
    assert refusal(s3.delete_object, Key=key, IfMatch=first) == ("PreconditionFailed", 412)
    s3.delete_object(Bucket=BUCKET, Key=key, IfMatch=second)
    assert refusal(s3.delete_object, Key=key, IfMatch=second) == ("NoSuchKey", 404)


def race(count: int, act: Callable[[int], Any]) -> list[Any]:
    """What of `count` threads that act at the same moment each got: its answer, or the error's code."""
    start = Barrier(count)

    def one(number: int) -> Any:
        start.wait()
        try:
            return act(number)
        except ClientError as error:
            return error.response["Error"]["Code"]

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


@pytest.mark.parametrize("attempt", range(5))
def test_of_many_that_make_a_key_at_once_one_wins(s3: Any, key: str, attempt: int) -> None:
    def make(number: int) -> Any:
        s3.put_object(Bucket=BUCKET, Key=key, Body=f"{attempt}/{number}".encode(), IfNoneMatch="*")
        return number

    got = race(8, make)
    (winner,) = [each for each in got if isinstance(each, int)]
    assert got.count("PreconditionFailed") == 7
    assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == f"{attempt}/{winner}".encode()


def test_of_many_that_take_a_lease_over_at_once_one_wins(s3: Any, key: str) -> None:
    seen = s3.put_object(Bucket=BUCKET, Key=key, Body=b"dead owner")["ETag"]
    got = race(8, lambda number: s3.put_object(Bucket=BUCKET, Key=key, Body=b"%d" % number, IfMatch=seen)["ETag"])
    (winner,) = [each for each in got if each != "PreconditionFailed"]
    assert s3.head_object(Bucket=BUCKET, Key=key)["ETag"] == winner


def test_every_answer_tells_the_time_of_the_same_clock(s3: Any, key: str) -> None:
    """A lease's age is the difference of two times that the bucket tells; the caller's own clock may be wrong."""
    began = time.monotonic()
    put = s3.put_object(Bucket=BUCKET, Key=key, Body=b"1")
    got = s3.get_object(Bucket=BUCKET, Key=key)
    got["Body"].close()
    for answer in (s3.head_object(Bucket=BUCKET, Key=key), got):
        told = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
        # Both are whole seconds.
        assert 0 <= (told - answer["LastModified"]).total_seconds() <= time.monotonic() - began + 1
    assert "date" in put["ResponseMetadata"]["HTTPHeaders"]
    with pytest.raises(ClientError) as refused:
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"2", IfNoneMatch="*")
    assert "date" in refused.value.response["ResponseMetadata"]["HTTPHeaders"]
