"""Only what is provably a build's is found and removed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from orchestrator.aws import Account
from orchestrator.build import access
from orchestrator.build.clean import Kind, find_leftovers, remove
from orchestrator.build.request import BuildRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACE = Path("/nowhere")


@pytest.fixture
def account() -> Iterator[Account]:
    with mock_aws():
        yield Account("us-east-1", access_key="test", secret_key="test")


def request(account: Account, *, image: str = "web", run: str = "run-1", **places: str) -> BuildRequest:
    return BuildRequest(image, "v1", run, PLACE, PLACE, PLACE, PLACE, account, **places)  # type: ignore[arg-type]


def specification(kind: str, image: str, run: str) -> dict[str, Any]:
    tags = {"ami:run": run, "ami:image": image, "ami:purpose": "build"}
    return {"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def launch(account: Account, image: str = "web", run: str = "run-1") -> str:
    ec2 = account.client("ec2")
    source = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    specifications = [specification("instance", image, run)]
    made = ec2.run_instances(ImageId=source, MinCount=1, MaxCount=1, TagSpecifications=specifications)
    return str(made["Instances"][0]["InstanceId"])


def test_access_is_found_by_its_tags_and_removed(account: Account, tmp_path: Path) -> None:
    made = access.prepare(request(account), tmp_path)
    assert made.key_file.stat().st_mode & 0o777 == 0o600
    assert made.key_file.read_text().startswith("-----BEGIN")
    found = find_leftovers(account, "run-1")
    assert {(leftover.kind, leftover.id) for leftover in found} == {
        (Kind.SECURITY_GROUP, made.security_group),
        (Kind.KEY_PAIR, made.key_name),
    }
    assert remove(account, found, patience=0) == ()
    assert find_leftovers(account, "run-1") == ()


def test_security_group_is_made_in_the_subnets_network(account: Account, tmp_path: Path) -> None:
    ec2 = account.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    made = access.prepare(request(account, subnet_id=subnet), tmp_path)
    (group,) = ec2.describe_security_groups(GroupIds=[made.security_group])["SecurityGroups"]
    assert group["VpcId"] == vpc


def test_other_images_and_runs_are_left_alone(account: Account) -> None:
    mine, sibling, stranger = launch(account), launch(account, image="analytics"), launch(account, run="run-2")
    assert [found.id for found in find_leftovers(account, "run-1", image="web")] == [mine]
    assert {found.id for found in find_leftovers(account, "run-1")} == {mine, sibling}
    remove(account, find_leftovers(account, "run-1"), patience=0)
    assert [found.id for found in find_leftovers(account, "run-2")] == [stranger]


def test_half_made_ami_without_tags_is_found_by_its_name_with_its_snapshot(account: Account) -> None:
    ec2 = account.client("ec2")
    unwanted = ec2.create_image(InstanceId=launch(account), Name="web-v1")["ImageId"]
    good = ec2.create_image(InstanceId=launch(account, run="run-2"), Name="web-v0")["ImageId"]
    assert Kind.IMAGE not in {found.kind for found in find_leftovers(account, "run-1")}
    found = find_leftovers(account, "run-1", ami_names=["web-v1"])
    assert [leftover.id for leftover in found if leftover.kind is Kind.IMAGE] == [unwanted]
    assert len([leftover for leftover in found if leftover.kind is Kind.SNAPSHOT]) == 1
    assert remove(account, found, patience=0) == ()
    assert [image["ImageId"] for image in ec2.describe_images(Owners=["self"])["Images"]] == [good]


def test_ami_of_that_name_from_another_run_is_not_touched(account: Account) -> None:
    ec2 = account.client("ec2")
    other = ec2.create_image(InstanceId=launch(account, run="run-2"), Name="web-v1")["ImageId"]
    ec2.create_tags(Resources=[other], Tags=[{"Key": "ami:run", "Value": "run-2"}])
    assert find_leftovers(account, "run-1", ami_names=["web-v1"]) == ()


def test_what_cannot_be_removed_is_returned_with_the_reason(account: Account) -> None:
    ec2 = account.client("ec2")
    machine = launch(account, run="run-2")
    zone = ec2.describe_instances(InstanceIds=[machine])["Reservations"][0]["Instances"][0]["Placement"]
    volume = ec2.create_volume(
        AvailabilityZone=zone["AvailabilityZone"], Size=1, TagSpecifications=[specification("volume", "web", "run-1")]
    )["VolumeId"]
    ec2.attach_volume(VolumeId=volume, InstanceId=machine, Device="/dev/sdf")
    (stayed,) = remove(account, find_leftovers(account, "run-1"), patience=0)
    assert str(stayed) == f"volume {volume} (VolumeInUse)"


def test_what_may_not_be_removed_is_not_tried_again(account: Account) -> None:
    """Time does not take a protection away: the reason is there at once, and the others are removed."""
    protected, plain = launch(account), launch(account)
    account.client("ec2").modify_instance_attribute(InstanceId=protected, DisableApiTermination={"Value": True})
    gone: list[str] = []
    began = time.monotonic()
    found = find_leftovers(account, "run-1")
    (stayed,) = remove(account, found, removed=lambda leftover: gone.append(leftover.id))
    assert str(stayed) == f"instance {protected} (OperationNotPermitted)"
    assert gone == [one.id for one in found if one.id != protected]
    assert plain in gone
    assert time.monotonic() - began < 2
