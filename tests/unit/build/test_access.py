"""A key pair and a security group for one build, also when AWS's answers are lost or its subnets are mixed up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from orchestrator.aws.account import Account
from orchestrator.aws.placement import Placement
from orchestrator.build.access import prepare
from orchestrator.build.request import BuildRequest
from orchestrator.errors import LackError

if TYPE_CHECKING:
    from collections.abc import Iterator

NOWHERE = Path("/nowhere")
ACCOUNT = Account("us-east-1", access_key="test", secret_key="test")


@pytest.fixture
def request_() -> Iterator[BuildRequest]:
    with mock_aws():
        yield BuildRequest("web", "v1", "run-1", NOWHERE, NOWHERE, NOWHERE, NOWHERE, replace(ACCOUNT))


def tags_of(found: Any) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in found["Tags"]}


def vpc(ec2: Any, block: str) -> tuple[str, str]:
    """A VPC and a subnet in it."""
    made = str(ec2.create_vpc(CidrBlock=block)["Vpc"]["VpcId"])
    return made, str(ec2.create_subnet(VpcId=made, CidrBlock=block)["Subnet"]["SubnetId"])


def test_both_tell_whose_they_are_and_what_ami_they_make(request_: BuildRequest, tmp_path: Path) -> None:
    prepare(request_, tmp_path)
    ec2 = request_.account.client("ec2")
    (key,) = ec2.describe_key_pairs()["KeyPairs"]
    (group,) = [one for one in ec2.describe_security_groups()["SecurityGroups"] if one["GroupName"] != "default"]
    for tags in (tags_of(key), tags_of(group)):
        assert (tags["ami:run"], tags["ami:purpose"], tags["ami:name"]) == ("run-1", "build", "web-v1")


def test_what_an_earlier_try_has_made_is_taken_over(request_: BuildRequest, tmp_path: Path) -> None:
    """Its answer was lost, and with it the private key: so the key pair is made anew, and fits the file."""
    for name in ("lost", "kept"):
        (tmp_path / name).mkdir()
    lost = prepare(request_, tmp_path / "lost")
    kept = prepare(request_, tmp_path / "kept")
    assert (kept.key_name, kept.security_group) == (lost.key_name, lost.security_group)
    assert kept.key_file.read_text() != lost.key_file.read_text()
    ec2 = request_.account.client("ec2")
    assert len(ec2.describe_key_pairs()["KeyPairs"]) == 1
    (group,) = ec2.describe_security_groups(GroupIds=[kept.security_group])["SecurityGroups"]
    assert len(group["IpPermissions"]) == 1


def test_another_attempt_has_names_of_its_own(request_: BuildRequest, tmp_path: Path) -> None:
    """A machine of the first is known by its key, and must not be taken for one of the second."""
    (tmp_path / "2").mkdir()
    assert prepare(request_, tmp_path).key_name != prepare(request_, tmp_path / "2", 2).key_name


def test_the_group_is_in_the_vpc_of_all_places(request_: BuildRequest, tmp_path: Path) -> None:
    ec2 = request_.account.client("ec2")
    made, subnet = vpc(ec2, "10.1.0.0/16")
    group = prepare(replace(request_, placement=Placement((("t3.small", subnet),))), tmp_path).security_group
    assert ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["VpcId"] == made


def test_subnets_of_two_vpcs_are_refused(request_: BuildRequest, tmp_path: Path) -> None:
    ec2 = request_.account.client("ec2")
    (one, first), (two, second) = vpc(ec2, "10.1.0.0/16"), vpc(ec2, "10.2.0.0/16")
    with pytest.raises(LackError, match="not all of one VPC") as refused:
        prepare(replace(request_, placement=Placement((("t3.small", first), ("t3.small", second)))), tmp_path)
    assert f"{first} in {one}" in refused.value.message
    assert f"{second} in {two}" in refused.value.message


def test_a_vpc_that_is_not_the_subnets_is_refused(request_: BuildRequest, tmp_path: Path) -> None:
    _, subnet = vpc(request_.account.client("ec2"), "10.1.0.0/16")
    with pytest.raises(LackError, match="`vpc_id` is vpc-1"):
        prepare(replace(request_, placement=Placement((("", subnet),), "vpc-1")), tmp_path)


@pytest.mark.parametrize(("interface", "ports"), [("session_manager", []), ("private_ip", [22])])
def test_a_port_is_open_only_where_packer_comes_in_by_it(
    request_: BuildRequest, tmp_path: Path, interface: str, ports: list[int]
) -> None:
    """Through Systems Manager it is the machine that calls."""
    access = prepare(replace(request_, placement=Placement(ssh_interface=interface)), tmp_path)
    (group,) = request_.account.client("ec2").describe_security_groups(GroupIds=[access.security_group])[
        "SecurityGroups"
    ]
    assert [rule["FromPort"] for rule in group["IpPermissions"]] == ports
