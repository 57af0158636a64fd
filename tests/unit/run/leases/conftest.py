"""A bucket for leases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from orchestrator.aws.account import Account
from orchestrator.run.leases.lease_record import Records

if TYPE_CHECKING:
    from collections.abc import Iterator

BUCKET = "artifacts"


@pytest.fixture
def account() -> Iterator[Account]:
    with mock_aws():
        made = Account("us-east-1", access_key="test", secret_key="test")
        made.client("s3").create_bucket(Bucket=BUCKET)
        yield made


@pytest.fixture
def records(account: Account) -> Records:
    return Records(account.client("s3"), BUCKET, "us-east-1")
