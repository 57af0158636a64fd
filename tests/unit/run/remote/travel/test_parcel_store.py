"""Parcels in a bucket, and unpacked on a machine."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from orchestrator.aws.account import Account
from orchestrator.errors import LackError
from orchestrator.run.remote.travel.parcel import parcel_of
from orchestrator.run.remote.travel.parcel_store import PREFIX, ParcelStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with mock_aws():
        account = Account("us-east-1", access_key="test", secret_key="test")
        account.client("s3").create_bucket(Bucket="artifacts")
        yield account


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "w").mkdir()
    (tmp_path / "w/ami.yml").write_text("name: w")
    return tmp_path / "w"


def test_parcel_when_it_is_needed_again(s3: Account, root: Path) -> None:
    """It is put once, and fetched once: the second time the bucket is not asked."""
    parcel, store = parcel_of(root), ParcelStore(s3, "artifacts")
    assert [store.put(parcel), store.put(parcel)] == [True, False]
    place = store.unpacked(parcel.digest, "")
    assert (place / "ami.yml").read_text() == "name: w"
    s3.client("s3").delete_object(Bucket="artifacts", Key=f"{PREFIX}{parcel.digest}.tar.gz")
    assert store.unpacked(parcel.digest, "") == place


def test_parcel_when_the_bucket_has_something_else(s3: Account, root: Path) -> None:
    """Content that its name does not fit is refused, and nothing of it stays."""
    parcel, store = parcel_of(root), ParcelStore(s3, "artifacts")
    store.put(parcel)
    key = f"{PREFIX}{parcel.digest}.tar.gz"
    body = s3.client("s3").get_object(Bucket="artifacts", Key=key)["Body"].read()
    s3.client("s3").put_object(Bucket="artifacts", Key=f"{PREFIX}{'0' * 64}.tar.gz", Body=body)
    with pytest.raises(LackError, match="is not what its name says"):
        store.unpacked("0" * 64, "")
    s3.client("s3").put_object(Bucket="artifacts", Key=key, Body=b"nothing")
    with pytest.raises(LackError, match="is broken"):
        store.unpacked(parcel.digest, "")


def test_bucket_when_it_cannot_be_used(s3: Account, root: Path) -> None:
    """Which bucket it is, and what AWS says."""
    with pytest.raises(LackError, match="cannot be written in the bucket 'absent': AWS refused"):
        ParcelStore(s3, "absent").put(parcel_of(root))


def test_parcels_that_nothing_uses_any_more(s3: Account, root: Path) -> None:
    """They go when another one comes, and those in use stay."""
    first, store = parcel_of(root), ParcelStore(s3, "artifacts")
    store.put(first)
    old = store.unpacked(first.digest, "")
    os.utime(old, (time.time() - 30 * 86400,) * 2)
    (root / "ami.yml").write_text("name: changed")
    second = parcel_of(root)
    store.put(second)
    kept = store.unpacked(second.digest, "")
    assert (old.exists(), kept.exists()) == (False, True)
