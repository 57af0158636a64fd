"""Only what is provably a build's is found and removed."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from orchestrator.aws.account import Account
from orchestrator.aws.placement import Placement
from orchestrator.aws.resources.image import KIND as IMAGE
from orchestrator.aws.resources.key_pair import KIND as KEY_PAIR
from orchestrator.aws.resources.launch_template import KIND as LAUNCH_TEMPLATE
from orchestrator.aws.resources.lease import KIND as LEASE
from orchestrator.aws.resources.security_group import KIND as SECURITY_GROUP
from orchestrator.aws.resources.snapshot import KIND as SNAPSHOT
from orchestrator.build import access
from orchestrator.build.cleanup.leftovers import Build, Leftover, find_leftovers
from orchestrator.build.cleanup.remove import clean_up, remove
from orchestrator.build.request import BuildRequest
from tests.unit.amazon_ami import AMAZON_AMI

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.aws.resource_kind import ResourceKind

PLACE = Path("/nowhere")


@pytest.fixture
def account() -> Iterator[Account]:
    with mock_aws():
        yield Account("us-east-1", access_key="test", secret_key="test")


def request(
    account: Account, *, image: str = "web", run: str = "run-1", placement: Placement | None = None
) -> BuildRequest:
    return BuildRequest(image, "v1", run, PLACE, PLACE, PLACE, PLACE, account, placement=placement or Placement())


def specification(kind: str, image: str, run: str) -> Any:
    tags = {"ami:run": run, "ami:image": image, "ami:purpose": "build"}
    return {"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def launch(account: Account, image: str = "web", run: str = "run-1") -> str:
    ec2 = account.client("ec2")
    specifications = [specification("instance", image, run)]
    made = ec2.run_instances(ImageId=AMAZON_AMI, MinCount=1, MaxCount=1, TagSpecifications=specifications)
    return str(made["Instances"][0]["InstanceId"])


def test_access_is_found_by_its_tags_and_removed(account: Account, tmp_path: Path) -> None:
    made = access.prepare(request(account), tmp_path)
    assert made.key_file.stat().st_mode & 0o777 == 0o600
    assert made.key_file.read_text().startswith("-----BEGIN")
    found = find_leftovers(account, Build("run-1"))
    assert {(leftover.kind, leftover.id) for leftover in found} == {
        (SECURITY_GROUP, made.security_group),
        (KEY_PAIR, made.key_name),
    }
    assert remove(account, found, patience=0) == ()
    assert find_leftovers(account, Build("run-1")) == ()


def test_security_group_is_made_in_the_subnets_network(account: Account, tmp_path: Path) -> None:
    ec2 = account.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    made = access.prepare(request(account, placement=Placement((("", subnet),))), tmp_path)
    (group,) = ec2.describe_security_groups(GroupIds=[made.security_group])["SecurityGroups"]
    assert group["VpcId"] == vpc


def test_launch_template_of_spot_capacity_is_found_by_its_tags_and_removed(account: Account) -> None:
    """Those of others, and of other images of the run, stay."""
    ec2 = account.client("ec2")
    for name, tags in {"packer-a": ["web"], "packer-b": ["golden"], "somebodys": []}.items():
        specifications = [specification("launch-template", image, "run-1") for image in tags]
        data: Any = {"InstanceType": "t3.small"}
        ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData=data, TagSpecifications=specifications)
    leftovers = find_leftovers(account, Build("run-1", "web"))
    assert [one.kind for one in leftovers] == [LAUNCH_TEMPLATE]
    assert remove(account, leftovers) == ()
    left = ec2.describe_launch_templates()["LaunchTemplates"]
    assert [one["LaunchTemplateName"] for one in left] == ["packer-b", "somebodys"]


def test_other_images_and_runs_are_left_alone(account: Account) -> None:
    mine, sibling, stranger = launch(account), launch(account, image="analytics"), launch(account, run="run-2")
    assert [found.id for found in find_leftovers(account, Build("run-1", image="web"))] == [mine]
    assert {found.id for found in find_leftovers(account, Build("run-1"))} == {mine, sibling}
    remove(account, find_leftovers(account, Build("run-1")), patience=0)
    assert [found.id for found in find_leftovers(account, Build("run-2"))] == [stranger]


def test_half_made_ami_without_tags_is_found_by_its_name_with_its_snapshot(account: Account) -> None:
    ec2 = account.client("ec2")
    unwanted = ec2.create_image(InstanceId=launch(account), Name="web-v1")["ImageId"]
    good = ec2.create_image(InstanceId=launch(account, run="run-2"), Name="web-v0")["ImageId"]
    assert IMAGE not in {found.kind for found in find_leftovers(account, Build("run-1"))}
    found = find_leftovers(account, Build("run-1", ami_names=("web-v1",)))
    assert [leftover.id for leftover in found if leftover.kind is IMAGE] == [unwanted]
    assert len([leftover for leftover in found if leftover.kind is SNAPSHOT]) == 1
    assert remove(account, found, patience=0) == ()
    assert [image["ImageId"] for image in ec2.describe_images(Owners=["self"])["Images"]] == [good]


def imaged(account: Account, machine: str, ami_name: str, **tags: str) -> tuple[str, str]:
    """An AMI of a machine and its snapshot, with a build's tags of the run when `tags` are given."""
    ec2 = account.client("ec2")
    made = specification("image", "web", "run-1")
    made["Tags"] += [{"Key": f"ami:{key}", "Value": value} for key, value in tags.items() if value]
    specifications = [made] if tags else []
    ami_id = str(ec2.create_image(InstanceId=machine, Name=ami_name, TagSpecifications=specifications)["ImageId"])
    (told,) = ec2.describe_images(ImageIds=[ami_id])["Images"]
    return ami_id, str(told["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"])


def amis(account: Account, **build: Any) -> set[str]:
    found = find_leftovers(account, Build("run-1", image="web", **build))
    return {one.id for one in found if one.kind in (IMAGE, SNAPSHOT)}


def test_ami_with_the_tags_of_its_build_and_no_state_is_found_with_its_snapshot(account: Account) -> None:
    """Whatever its name is: an earlier attempt's, or a random one."""
    half = imaged(account, launch(account), "web-v1", name="web-v1")
    assert amis(account, ami_names=("web-v1-2",)) == amis(account, ami_names=("web-v1", "web-v1-2")) == set(half)
    assert amis(account) == set()


def test_finished_ami_is_never_found(account: Account) -> None:
    """Neither by its name nor by its tags, nor its snapshot, although that has the tags of a build."""
    ec2 = account.client("ec2")
    _, snapshot = imaged(account, launch(account), "web-v1", state="built")
    ec2.create_tags(Resources=[snapshot], Tags=specification("snapshot", "web", "run-1")["Tags"])
    assert amis(account, ami_names=("web-v1",)) == set()


def test_ami_that_is_kept_is_not_found_though_its_state_is_not_seen_yet(account: Account) -> None:
    """Tags are eventually consistent: what Packer has just finished is known by its id."""
    machine = launch(account)
    good, snapshot = imaged(account, machine, "web-v1", name="web-v1")
    account.client("ec2").create_tags(Resources=[snapshot], Tags=specification("snapshot", "web", "run-1")["Tags"])
    other = imaged(account, machine, "a1B2c3D", name="web-v1")
    assert amis(account, keep=good) == set(other)


def test_intermediary_without_tags_is_found_by_its_machine(account: Account) -> None:
    """The machine may be terminated by then. What a person made of the same machine, or of another, stays."""
    machine = launch(account)
    half = imaged(account, machine, "a1B2c3D")
    imaged(account, machine, "rescue-1")
    imaged(account, launch(account, run="run-2"), "9876543")
    account.client("ec2").terminate_instances(InstanceIds=[machine])
    assert amis(account, ami_names=("web-v1",)) == set(half)


def test_snapshot_whose_ami_is_gone_is_found(account: Account) -> None:
    """By the machine that it was made of."""
    half, snapshot = imaged(account, launch(account), "web-v1")
    account.client("ec2").deregister_image(ImageId=half)
    assert amis(account, ami_names=("web-v1",)) == {snapshot}


def test_clean_up_when_the_ami_shows_itself_late(account: Account, tmp_path: Path) -> None:
    """The key pair, which tells whose it is, is there until then; then everything goes."""
    made = access.prepare(request(account), tmp_path)
    machine = launch(account)
    account.client("ec2").terminate_instances(InstanceIds=[machine])
    order: list[ResourceKind] = []
    late = threading.Timer(1, imaged, (account, launch(account, run="run-2"), "web-v1"))
    late.start()
    build = Build("run-1", "web", ami_names=("web-v1",))
    assert clean_up(account, build, late=20, removed=lambda one: order.append(one.kind)) == ()
    late.join()
    assert order == [IMAGE, SNAPSHOT, SECURITY_GROUP, KEY_PAIR]
    assert made.key_name not in {pair["KeyName"] for pair in account.client("ec2").describe_key_pairs()["KeyPairs"]}


def test_clean_up_when_nothing_shows_itself(account: Account, tmp_path: Path) -> None:
    """It waits as long as it was told to, and removes the rest."""
    access.prepare(request(account), tmp_path)
    began = time.monotonic()
    assert clean_up(account, Build("run-1", "web", ami_names=("web-v1",)), late=3) == ()
    assert time.monotonic() - began >= 3
    assert find_leftovers(account, Build("run-1")) == ()


def test_clean_up_when_there_is_no_time_to_wait(account: Account, tmp_path: Path) -> None:
    """What tells whose a late AMI is stays for the sweep, and is told."""
    made = access.prepare(request(account), tmp_path)
    machine, hurry = launch(account), threading.Event()
    hurry.set()
    stayed = clean_up(account, Build("run-1", "web", ami_names=("web-v1",)), late=30, patience=0, hurry=hurry)
    assert stayed == (
        Leftover(SECURITY_GROUP, made.security_group, "it tells whose the AMI is"),
        Leftover(KEY_PAIR, made.key_name, "it tells whose the AMI is"),
    )
    (held,) = account.client("ec2").describe_instances(InstanceIds=[machine])["Reservations"]
    assert held["Instances"][0]["State"]["Name"] == "terminated"


def test_ami_of_that_name_from_another_run_is_not_touched(account: Account) -> None:
    ec2 = account.client("ec2")
    other = ec2.create_image(InstanceId=launch(account, run="run-2"), Name="web-v1")["ImageId"]
    ec2.create_tags(Resources=[other], Tags=[{"Key": "ami:run", "Value": "run-2"}])
    assert find_leftovers(account, Build("run-1", ami_names=("web-v1",))) == ()


def test_what_cannot_be_removed_is_returned_with_the_reason(account: Account) -> None:
    ec2 = account.client("ec2")
    machine = launch(account, run="run-2")
    zone = ec2.describe_instances(InstanceIds=[machine])["Reservations"][0]["Instances"][0]["Placement"]
    volume = ec2.create_volume(
        AvailabilityZone=zone["AvailabilityZone"], Size=1, TagSpecifications=[specification("volume", "web", "run-1")]
    )["VolumeId"]
    ec2.attach_volume(VolumeId=volume, InstanceId=machine, Device="/dev/sdf")
    (stayed,) = remove(account, find_leftovers(account, Build("run-1")), patience=0)
    assert str(stayed) == f"volume {volume} (VolumeInUse)"


def test_what_may_not_be_removed_is_not_tried_again(account: Account) -> None:
    """Time does not take a protection away: the reason is there at once, and the others are removed."""
    protected, plain = launch(account), launch(account)
    account.client("ec2").modify_instance_attribute(InstanceId=protected, DisableApiTermination={"Value": True})
    gone: list[str] = []
    began = time.monotonic()
    found = find_leftovers(account, Build("run-1"))
    (stayed,) = remove(account, found, removed=lambda leftover: gone.append(leftover.id))
    assert str(stayed) == f"instance {protected} (OperationNotPermitted)"
    assert gone == [one.id for one in found if one.id != protected]
    assert plain in gone
    assert time.monotonic() - began < 150


def test_what_ec2_does_not_remove_is_refused(account: Account) -> None:
    """A lease is an object of the bucket: what holds leases removes it."""
    with pytest.raises(TypeError, match="EC2 does not remove a lease"):
        remove(account, [Leftover(LEASE, "run/x")])
