"""Which AMI a source means."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import pytest
from moto import mock_aws

from orchestrator.aws.account import Account
from orchestrator.definition.source import Source, SourceFilter
from orchestrator.errors import LackError
from orchestrator.run.source import advice, resolve
from tests.unit.amazon_ami import AMAZON_AMI

ACCOUNT = Account("us-east-1", access_key="test", secret_key="test")
OURS = Source(name="ours", filter=SourceFilter(name="web-*", owner="self"), ssh_username="admin")


def made(ec2: Any, name: str, **tags: str) -> str:
    (machine,) = ec2.run_instances(ImageId=AMAZON_AMI, MinCount=1, MaxCount=1)["Instances"]
    ami_id = str(ec2.create_image(InstanceId=machine["InstanceId"], Name=name)["ImageId"])
    if tags:
        ec2.create_tags(Resources=[ami_id], Tags=[{"Key": f"ami:{key}", "Value": tags[key]} for key in tags])
    return ami_id


def test_resolve_when_the_newest_ami_is_unproven() -> None:
    """What no build finished is nobody's source; an older one that was finished is."""
    with mock_aws():
        ec2 = ACCOUNT.client("ec2")
        good = made(ec2, "web-1", run="r", state="validated")
        made(ec2, "web-2", run="r", purpose="build", image="web")
        assert resolve(ACCOUNT, OURS).ami_id == good


def test_resolve_when_all_amis_are_unproven() -> None:
    """Then there is none."""
    with mock_aws():
        made(ACCOUNT.client("ec2"), "web-2", run="r", purpose="build", image="web")
        with pytest.raises(LackError, match="no AMI of owner self named"):
            resolve(ACCOUNT, OURS)


@pytest.mark.parametrize(
    ("name", "architecture", "advice_given"),
    [
        ("debian-13-amd64-*", "x86_64", "ami lab up --with debian-13"),
        ("debian-12-arm64-*", "arm64", "ami lab up --with debian-12-arm64"),
        ("ubuntu-24.04-*", "x86_64", "check the filter of the source in ami.yml, and the region of the environment"),
    ],
)
def test_a_system_that_the_lab_was_not_asked_for(
    name: str, architecture: Literal["x86_64", "arm64"], advice_given: str
) -> None:
    """The advice is the command that makes it, and only where a lab is asked."""
    wanted = SourceFilter(name=name, owner="136693071363", architecture=architecture)
    assert advice(replace(ACCOUNT, endpoint="http://127.0.0.1:4999"), wanted) == advice_given
    assert advice(ACCOUNT, wanted).startswith("check the filter")
