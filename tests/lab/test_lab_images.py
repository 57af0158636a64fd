"""Images hold the disks of machines, and go where AWS's go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from orchestrator.lab import lifecycle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestrator.lab.settings import Settings

pytestmark = pytest.mark.long(40)


@pytest.fixture(scope="module")
def source(shared_bench: Any) -> str:
    """A machine that was booted and changed."""
    instance_id: str = shared_bench.launch()
    shared_bench.booted(instance_id)
    shared_bench.shell(instance_id, "echo changed > /root/changed")
    return instance_id


@pytest.fixture(scope="module")
def image(shared_bench: Any, source: str) -> Iterator[str]:
    """An image of that machine, made without a reboot."""
    tags = [{"ResourceType": kind, "Tags": [{"Key": "made-for", "Value": kind}]} for kind in ("image", "snapshot")]
    image_id: str = shared_bench.image(source, "an image", NoReboot=True, TagSpecifications=tags)
    yield image_id
    shared_bench.discard(image_id)


def snapshot_of(ec2: Any, image_id: str) -> str:
    (found,) = ec2.describe_images(ImageIds=[image_id])["Images"]
    return str(found["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"])


def disks(lab: Settings, podman: Callable[..., str]) -> set[str]:
    return set(podman("images", "-q", f"--filter=label=ami.lab={lab.name}").split())


def test_only_debian_is_there_from_the_start(client: Callable[..., Any], lab: Settings) -> None:
    """And the systems that other tests have given this lab."""
    there = client("ec2", "ap-south-1").describe_images()["Images"]
    assert len(there) == len(lifecycle.status(lab.name).systems)
    assert [one["Name"] for one in there if one["Name"].startswith("debian-12-amd64-")]
    assert {one["OwnerId"] for one in there} == {"136693071363"}


def test_an_image_is_pending_until_its_disk_is_saved(ec2: Any, bench: Any, source: str) -> None:
    image_id = ec2.create_image(InstanceId=source, Name="pending first", NoReboot=True)["ImageId"]
    (found,) = ec2.describe_images(ImageIds=[image_id])["Images"]
    assert found["State"] == "pending"
    assert "SnapshotId" not in found["BlockDeviceMappings"][0]["Ebs"]
    with pytest.raises(ClientError, match=r"InvalidAMIID\.Unavailable"):
        bench.launch(ImageId=image_id)
    ec2.get_waiter("image_available").wait(ImageIds=[image_id], WaiterConfig={"Delay": 1})
    bench.discard(image_id)


def test_image_and_snapshot_carry_their_tags(ec2: Any, image: str) -> None:
    (found,) = ec2.describe_images(ImageIds=[image])["Images"]
    (snapshot,) = ec2.describe_snapshots(SnapshotIds=[snapshot_of(ec2, image)])["Snapshots"]
    assert found["Tags"] == [{"Key": "made-for", "Value": "image"}]
    assert snapshot["Tags"] == [{"Key": "made-for", "Value": "snapshot"}]


def test_a_machine_of_the_image_has_its_disk_and_is_another_instance(bench: Any, image: str, source: str) -> None:
    instance_id = bench.launch(ImageId=image, UserData="#!/bin/sh\ntouch /root/new-instance\n")
    assert bench.booted(instance_id) == "status: done"
    assert bench.shell(instance_id, "cat /root/changed") == "changed\n"
    assert bench.shell(instance_id, "cloud-init query instance_id").strip() == instance_id
    assert bench.shell(instance_id, "test -e /root/new-instance && echo ran") == "ran\n"
    name = bench.describe(instance_id)["PrivateDnsName"].partition(".")[0]
    assert bench.shell(instance_id, "hostname").strip() == name
    host_key = "cat /etc/ssh/ssh_host_ed25519_key.pub"
    assert bench.shell(instance_id, host_key) != bench.shell(source, host_key)


def test_without_noreboot_the_machine_is_shut_down_and_comes_back(bench: Any) -> None:
    instance_id = bench.launch()
    bench.booted(instance_id)
    bench.shell(instance_id, "touch /run/this-boot")
    image_id = bench.image(instance_id, "rebooted")
    assert bench.describe(instance_id)["State"]["Name"] == "running"
    assert bench.shell(instance_id, "test -e /run/this-boot || echo booted again") == "booted again\n"
    bench.discard(image_id)


def test_a_stopped_machine_can_be_imaged(ec2: Any, bench: Any) -> None:
    instance_id = bench.launch()
    ec2.stop_instances(InstanceIds=[instance_id])
    bench.wait(instance_id, "stopped")
    image_id = bench.image(instance_id, "stopped")
    assert bench.describe(instance_id)["State"]["Name"] == "stopped"
    bench.discard(image_id)


def test_a_name_is_taken_once(ec2: Any, image: str, source: str) -> None:
    with pytest.raises(ClientError, match=r"InvalidAMIName\.Duplicate"):
        ec2.create_image(InstanceId=source, Name="an image")
    assert ec2.describe_images(ImageIds=[image])["Images"]


def test_an_image_boots_in_its_region_only_until_it_is_copied(
    client: Callable[..., Any], bench: Any, image: str
) -> None:
    with pytest.raises(ClientError, match=r"InvalidAMIID\.NotFound"):
        bench.launch("eu-west-1", ImageId=image)
    there = client("ec2", "eu-west-1")
    copy = there.copy_image(SourceImageId=image, SourceRegion="us-east-1", Name="copied")["ImageId"]
    instance_id = bench.launch("eu-west-1", ImageId=copy)
    assert bench.shell(instance_id, "cat /root/changed") == "changed\n"
    bench.close()
    bench.launched.clear()
    bench.discard(copy, "eu-west-1")


def test_a_disk_stays_as_long_as_a_snapshot_holds_it(
    lab: Settings, ec2: Any, bench: Any, source: str, podman: Callable[..., str], eventually: Callable[..., Any]
) -> None:
    before = disks(lab, podman)
    image_id = bench.image(source, "to be dropped", NoReboot=True)
    snapshot_id = snapshot_of(ec2, image_id)
    assert len(disks(lab, podman)) == len(before) + 1
    ec2.deregister_image(ImageId=image_id)
    with pytest.raises(ClientError, match=r"InvalidAMIID\.NotFound"):
        bench.launch(ImageId=image_id)
    again = ec2.register_image(
        Name="registered again",
        RootDeviceName="/dev/xvda",
        BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot_id}}],
    )["ImageId"]
    instance_id = bench.launch(ImageId=again)
    assert bench.shell(instance_id, "cat /root/changed") == "changed\n"
    bench.close()
    bench.launched.clear()
    with pytest.raises(ClientError, match=r"InvalidSnapshot\.InUse"):
        ec2.delete_snapshot(SnapshotId=snapshot_id)
    bench.discard(again)
    eventually(lambda: disks(lab, podman) == before, "the disk to go")


def test_a_snapshot_of_a_volume_can_become_an_image(ec2: Any, bench: Any, source: str) -> None:
    volume_id = bench.describe(source)["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
    snapshot_id = ec2.create_snapshot(VolumeId=volume_id)["SnapshotId"]
    ec2.get_waiter("snapshot_completed").wait(SnapshotIds=[snapshot_id], WaiterConfig={"Delay": 1})
    mapping = [{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot_id}}]
    image_id = ec2.register_image(Name="of a volume", RootDeviceName="/dev/xvda", BlockDeviceMappings=mapping)[
        "ImageId"
    ]
    instance_id = bench.launch(ImageId=image_id)
    assert bench.shell(instance_id, "cat /root/changed") == "changed\n"
    bench.close()
    bench.launched.clear()
    bench.discard(image_id)


def test_snapshots_of_others_are_not_ones_own(ec2: Any, image: str, debian: str) -> None:
    own = {found["SnapshotId"] for found in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]}
    assert snapshot_of(ec2, image) in own
    assert snapshot_of(ec2, debian) not in own


def test_a_description_can_be_changed(ec2: Any, image: str) -> None:
    """Packer sets it after the image is made. An image's launch permissions are changed by the same call."""
    ec2.modify_image_attribute(ImageId=image, Description={"Value": "what it is"})
    (found,) = ec2.describe_images(ImageIds=[image])["Images"]
    assert found["Description"] == "what it is"
    ec2.modify_image_attribute(ImageId=image, Attribute="description", Value="what it was")
    ec2.modify_image_attribute(ImageId=image, LaunchPermission={"Add": [{"UserId": "111122223333"}]})
    (found,) = ec2.describe_images(ImageIds=[image])["Images"]
    assert found["Description"] == "what it was"


def test_tags_are_listed_with_and_without_patterns(ec2: Any, image: str) -> None:
    for asked in (image, f"{image[:-1]}?"):
        (tag,) = ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [asked]}])["Tags"]
        assert tag == {"Key": "made-for", "Value": "image", "ResourceId": image, "ResourceType": "image"}


ASCII = "Character sets beyond ASCII are not supported."
GROUP = "Invalid security group description. Valid descriptions are strings less than 256 characters"
REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "a description of an AMI that is not ASCII": (
        "create_image",
        {"InstanceId": "i-0123456789abcdef0", "Name": "web", "Description": "nginx \u2013 portal"},
        rf"InvalidParameterValue.* Value \(nginx \u2013 portal\) for parameter Description is invalid\. {ASCII}",
    ),
    "the same, when an AMI is there": (
        "modify_image_attribute",
        {"ImageId": "ami-0123456789abcdef0", "Description": {"Value": "Gr\u00f6\u00dfe"}},
        rf"InvalidParameterValue.*{ASCII}",
    ),
    "the name of an AMI": (
        "copy_image",
        {"SourceImageId": "ami-0123456789abcdef0", "SourceRegion": "us-east-1", "Name": "a,b"},
        r"InvalidAMIName\.Malformed.* AMI names must be between 3 and 128 characters long",
    ),
    "the name of a key pair": ("create_key_pair", {"KeyName": "k" * 256}, "InvalidParameterValue"),
    "a description of a security group": (
        "create_security_group",
        {"GroupName": "g", "Description": "Portal's"},
        f"InvalidParameterValue.* {GROUP}",
    ),
    "a tag that AWS keeps": (
        "create_tags",
        {"Resources": ["ami-0123456789abcdef0"], "Tags": [{"Key": "aws:x", "Value": ""}]},
        r"InvalidParameterValue.* Value \( aws:x \) for parameter key is invalid\. Tag keys starting with 'aws:'",
    ),
    "a tag that is too long, at birth": (
        "create_security_group",
        {
            "GroupName": "g",
            "Description": "d",
            "TagSpecifications": [{"ResourceType": "security-group", "Tags": [{"Key": "k", "Value": "v" * 257}]}],
        },
        "InvalidParameterValue.* Tag value exceeds the maximum length of 256 characters",
    ),
    "more than 50 tags": (
        "create_tags",
        {"Resources": ["ami-0123456789abcdef0"], "Tags": [{"Key": f"k{n}", "Value": ""} for n in range(51)]},
        "TagLimitExceeded",
    ),
    "long user data": (
        "run_instances",
        {"MinCount": 1, "MaxCount": 1, "UserData": "x" * 16_385},
        "InvalidParameterValue.* User data is limited to 16384 bytes",
    ),
    "a volume that is too small for the AMI": (
        "run_instances",
        {"MinCount": 1, "MaxCount": 1, "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 1}}]},
        r"InvalidBlockDeviceMapping.* Volume of size 1GB is smaller than snapshot '\S+', expect size >= 8GB",
    ),
    "a type of volume that takes no IOPS": (
        "run_instances",
        {
            "MinCount": 1,
            "MaxCount": 1,
            "BlockDeviceMappings": [{"DeviceName": "/dev/xvdb", "Ebs": {"VolumeType": "gp2", "Iops": 3000}}],
        },
        "InvalidParameterCombination.* The parameter iops is not supported for gp2 volumes",
    ),
}


@pytest.mark.parametrize(("operation", "parameters", "refusal"), REFUSED.values(), ids=REFUSED)
def test_what_ec2_refuses_by_its_limits_is_refused(
    ec2: Any, debian: str, operation: str, parameters: dict[str, Any], refusal: str
) -> None:
    """With EC2's code and words; nothing is made."""
    image = {"ImageId": debian} if operation == "run_instances" else {}
    with pytest.raises(ClientError, match=refusal):
        getattr(ec2, operation)(**image, **parameters)


def test_what_fits_the_limits_of_ec2_is_made(ec2: Any) -> None:
    """Names and tags at their longest."""
    tags = [{"Key": "k" * 127, "Value": "\u00e4<" + "v" * 254}, *({"Key": f"k{n}", "Value": ""} for n in range(49))]
    group = ec2.create_security_group(
        GroupName="g" * 255,
        Description="d" * 255,
        TagSpecifications=[{"ResourceType": "security-group", "Tags": tags}],
    )["GroupId"]
    ec2.create_key_pair(KeyName="k" * 255, KeyType="ed25519")
    ec2.delete_key_pair(KeyName="k" * 255)
    ec2.delete_security_group(GroupId=group)
