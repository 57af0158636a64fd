"""An account of moto's with AMIs in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from orchestrator.aws.account import Account
from orchestrator.tags import Tag
from tests.unit.amazon_ami import AMAZON_AMI

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Maker = Callable[..., str]


@pytest.fixture
def account() -> Iterator[Account]:
    with mock_aws():
        yield Account("us-east-1", access_key="test", secret_key="test")


@pytest.fixture
def made(account: Account) -> Maker:
    """Make an AMI of `web` in a state, with more tags; the result is its id."""
    ec2: Any = account.client("ec2")

    def make(state: str, more: dict[Tag, str] | None = None) -> str:
        (machine,) = ec2.run_instances(ImageId=AMAZON_AMI, MinCount=1, MaxCount=1)["Instances"]
        ami_id = str(ec2.create_image(InstanceId=machine["InstanceId"], Name=f"web-{state}")["ImageId"])
        tags = {Tag.IMAGE: "web", Tag.VERSION: "v", Tag.STATE: state, **(more or {})}
        ec2.create_tags(Resources=[ami_id], Tags=[{"Key": key, "Value": value} for key, value in tags.items()])
        return ami_id

    return make
