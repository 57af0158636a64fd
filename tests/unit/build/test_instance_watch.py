"""What counts of what EC2 says of a machine beside Packer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from orchestrator.aws.account import Account
from orchestrator.build.cause import Gone
from orchestrator.build.instance_watch import InstanceWatch
from tests.unit.amazon_ami import AMAZON_AMI
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

ACCOUNT = Account("us-east-1", access_key="test", secret_key="test")


@pytest.fixture
def ec2() -> Iterator[Any]:
    with mock_aws():
        yield ACCOUNT.client("ec2")


@pytest.mark.parametrize(
    ("code", "at", "end_began", "counts"),
    [
        ("Client.UserInitiatedShutdown", -60.0, None, True),
        ("Client.UserInitiatedShutdown", 0.0, None, False),
        ("Client.UserInitiatedShutdown", 0.5, 0, False),
        ("Client.UserInitiatedShutdown", -0.5, 0, True),
        ("", 0.5, 0, False),
        ("Server.InternalError", 0.5, 0, True),
        ("Client.InstanceInitiatedShutdown", 0.5, 0, True),
    ],
)
def test_an_end_that_packer_may_have_asked_for_does_not_count(
    ec2: Any, code: str, at: float, end_began: int | None, *, counts: bool
) -> None:
    """Times are relative to now, and to the second in which Packer began to end its machine."""
    del ec2
    now = int(time.time())
    watch = InstanceWatch(ACCOUNT, "key")
    watch.gone = Gone("i-1", "terminated", code, "", (time.time() if end_began is None else now) + at)
    assert (watch.gone_before(None if end_began is None else now) is not None) is counts


def test_the_machine_with_the_key_is_seen_to_end(ec2: Any) -> None:
    """Others are not its business, and a look is taken as soon as it is asked for."""
    for name in ("ours", "theirs"):
        ec2.create_key_pair(KeyName=name)
    wanted = {"ImageId": AMAZON_AMI, "MinCount": 1, "MaxCount": 1}
    ours, theirs = (
        ec2.run_instances(KeyName=name, **wanted)["Instances"][0]["InstanceId"] for name in ("ours", "theirs")
    )
    ec2.terminate_instances(InstanceIds=[theirs])
    with InstanceWatch(ACCOUNT, "ours") as watch:
        watch.look()
        time.sleep(0.5)
        assert watch.gone is None
        ec2.terminate_instances(InstanceIds=[ours])
        watch.look()
        gone = until(lambda: watch.gone, "its end")
    assert gone is not None
    assert gone.instance_id == ours


def test_a_machine_that_had_ended_before_is_not_its_own(ec2: Any) -> None:
    """That of a builder which was lost in the same run: its key pair had the same name."""
    ec2.create_key_pair(KeyName="ours")
    (lost,) = ec2.run_instances(KeyName="ours", ImageId=AMAZON_AMI, MinCount=1, MaxCount=1)["Instances"]
    ec2.terminate_instances(InstanceIds=[lost["InstanceId"]])
    with InstanceWatch(ACCOUNT, "ours") as watch:
        watch.look()
        time.sleep(0.5)
        assert watch.gone is None
