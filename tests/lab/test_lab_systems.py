"""A lab has AMIs of other systems when it is asked for them: they are found, boot, and have an agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from orchestrator.lab import lifecycle
from tests.lab.conftest import AGENT, DEBIAN
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.lab.settings import Settings

pytestmark = pytest.mark.long(90)


def found(ec2: Any, name: str) -> list[Any]:
    images: list[Any] = ec2.describe_images(Owners=[DEBIAN], Filters=[{"Name": "name", "Values": [name]}])["Images"]
    return images


def refused(bench: Any, ami: str, instance_type: str) -> str:
    with pytest.raises(ClientError) as raised:
        bench.launch(ImageId=ami, InstanceType=instance_type)
    return str(raised.value.response["Error"]["Code"])


def online(bench: Any, ami: str, instance_type: str) -> str:
    """A machine that has finished its first boot, and whose agent has called."""
    profile = {"Name": "ami-lab"}
    instance: str = bench.launch(ImageId=ami, InstanceType=instance_type, UserData=AGENT, IamInstanceProfile=profile)
    until(lambda: bench.ping(instance) == "Online", f"{instance} Online", 600)
    assert bench.booted(instance) == "status: done"
    return instance


def test_debian_13(lab: Settings, client: Callable[..., Any], bench: Any) -> None:
    """It is in every region, once, and nothing of its first boot fails.

    Another test may have added it to this lab, or to another lab, with which this one shares the disk.
    """
    there = "debian-13" in lifecycle.status(lab.name).systems
    assert bool(found(client("ec2", "eu-west-1"), "debian-13-*")) == there
    lifecycle.add_systems(lab, ["debian-13"], print)
    again: list[str] = []
    lifecycle.add_systems(lab, ["debian-13"], again.append)
    assert again == []
    assert {"debian-12", "debian-13"} <= set(lifecycle.status(lab.name).systems)
    regions = [found(client("ec2", region), "debian-13-amd64-*") for region in ("us-east-1", "eu-west-1", "eu-west-2")]
    assert [[image["Architecture"] for image in images] for images in regions] == [["x86_64"]] * 3
    ami = regions[0][0]["ImageId"]
    assert refused(bench, ami, "t4g.small") == "InvalidParameterValue"
    machine = online(bench, ami, "t3.small")
    assert bench.shell(machine, ". /etc/os-release; echo $VERSION_ID; uname -m") == "13\nx86_64\n"
    assert bench.shell(machine, "systemctl is-system-running --wait; systemctl --failed -q") == "running\n"
    assert bench.ssh(machine, "sudo id -un") == "root\n"


@pytest.mark.systems
def test_debian_12_on_arm64(lab: Settings, ec2: Any, bench: Any) -> None:
    """Its programs are arm64's, and so is an AMI that is made of it."""
    assert found(ec2, "debian-12-arm64-*") == []
    lifecycle.add_systems(lab, ["debian-12-arm64"], print)
    (image,) = found(ec2, "debian-12-arm64-*")
    assert image["Architecture"] == "arm64"
    assert refused(bench, image["ImageId"], "t3.small") == "InvalidParameterValue"
    machine = online(bench, image["ImageId"], "t4g.small")
    assert bench.shell(machine, "uname -m; dpkg --print-architecture") == "aarch64\narm64\n"
    made = bench.image(machine, "of-arm64")
    assert ec2.describe_images(ImageIds=[made])["Images"][0]["Architecture"] == "arm64"
    bench.discard(made)
