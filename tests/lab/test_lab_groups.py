"""Groups of machines behind a balancer: refreshed without a failed request, and rolled back."""

from __future__ import annotations

import shutil
import threading
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.lab.conftest import Bench

pytestmark = pytest.mark.long(90)

#: An init that serves a page and nothing else.
SERVES = """#!/bin/sh
trap 'exit 0' TERM 37
mkdir -p /srv/page && cd /srv/page && cat /proc/sys/kernel/random/uuid > index.html
python3 -m http.server 80 &
while :; do sleep 60 & wait; done
"""
#: Requests in a second.
RATE = 20


@dataclass
class Client:
    """Asks a balancer again and again, and keeps what failed."""

    address: str
    asked: int = 0
    failed: list[str] = field(default_factory=list)
    pages: set[bytes] = field(default_factory=set)
    _ended: threading.Event = field(default_factory=threading.Event)

    def ask(self) -> None:
        try:
            with urllib.request.urlopen(f"http://{self.address}/", timeout=60) as page:
                self.pages.add(page.read())
        except (OSError, urllib.error.URLError) as error:
            self.failed.append(f"{time.strftime('%X')} {error}")
        self.asked += 1

    def run(self) -> None:
        while not self._ended.wait(1 / RATE):
            self.ask()

    def end(self) -> None:
        self._ended.set()


@dataclass
class Fleet:
    """A group of this module, with its launch template, behind a balancer."""

    client: Callable[..., Any]
    name: str
    balancer: str = ""
    targets: str = ""

    @property
    def scaling(self) -> Any:
        return self.client("autoscaling")

    def told(self) -> dict[str, Any]:
        return dict(
            self.scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[self.name])["AutoScalingGroups"][0]
        )

    def versions(self) -> list[str]:
        """The template version of each instance in service."""
        serving = [each for each in self.told()["Instances"] if each["LifecycleState"] == "InService"]
        return sorted(each["LaunchTemplate"]["Version"] for each in serving)

    def version(self, **data: Any) -> str:
        """Add a version to the template, from the first."""
        made = self.client("ec2").create_launch_template_version(
            LaunchTemplateName=self.name, SourceVersion="1", LaunchTemplateData=data
        )
        return str(made["LaunchTemplateVersion"]["VersionNumber"])

    def healthy(self) -> int:
        told = self.client("elbv2").describe_target_health(TargetGroupArn=self.targets)["TargetHealthDescriptions"]
        return sum(each["TargetHealth"]["State"] == "healthy" for each in told)

    def refresh(self, version: str = "", **preferences: Any) -> None:
        wanted = {"LaunchTemplate": {"LaunchTemplateName": self.name, "Version": version}}
        self.scaling.start_instance_refresh(
            AutoScalingGroupName=self.name,
            Preferences={"InstanceWarmup": 1, "MinHealthyPercentage": 75, "MaxHealthyPercentage": 125, **preferences},
            **({"DesiredConfiguration": wanted} if version else {}),
        )

    def newest(self) -> dict[str, Any]:
        return dict(self.scaling.describe_instance_refreshes(AutoScalingGroupName=self.name)["InstanceRefreshes"][0])


@pytest.fixture
def serving_ami(bench: Bench, idle_ami: str) -> Iterator[str]:
    """An AMI whose machines serve a page at port 80."""
    instance_id = bench.launch(ImageId=idle_ami)
    bench.shell(
        instance_id, f"cat > /sbin/serves <<'END'\n{SERVES}END\nchmod +x /sbin/serves && ln -sf serves /sbin/init"
    )
    image_id = bench.image(instance_id, "serves-a-page")
    bench.client("ec2").terminate_instances(InstanceIds=[instance_id])
    yield image_id
    bench.discard(image_id)


@pytest.fixture
def fleet(bench: Bench, client: Callable[..., Any], eventually: Callable[..., Any]) -> Iterator[Fleet]:
    """An empty fleet; its machines are gone at the end."""
    made, ends = Fleet(client, "fleet"), ExitStack()
    ec2, scaling = client("ec2"), client("autoscaling")
    ec2.create_launch_template(
        LaunchTemplateName=made.name, LaunchTemplateData={"ImageId": bench.debian, "InstanceType": "t3.small"}
    )
    ends.callback(ec2.delete_launch_template, LaunchTemplateName=made.name)
    default = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"][:2]
    made.subnets = ",".join(each["SubnetId"] for each in default)  # type: ignore[attr-defined] # of this fixture
    scaling.create_auto_scaling_group(
        AutoScalingGroupName=made.name,
        MinSize=0,
        MaxSize=4,
        DesiredCapacity=0,
        VPCZoneIdentifier=made.subnets,  # type: ignore[attr-defined] # of this fixture
        LaunchTemplate={"LaunchTemplateName": made.name, "Version": "1"},
        HealthCheckGracePeriod=2,
    )

    def gone() -> None:
        scaling.delete_auto_scaling_group(AutoScalingGroupName=made.name, ForceDelete=True)
        named = {"AutoScalingGroupNames": [made.name]}
        eventually(lambda: not scaling.describe_auto_scaling_groups(**named)["AutoScalingGroups"], "the end of a group")

    ends.callback(gone)
    yield made
    ends.close()


@pytest.fixture
def balanced(fleet: Fleet, client: Callable[..., Any]) -> Iterator[Fleet]:
    """The fleet behind a balancer that looks at its machines every five seconds."""
    if shutil.which("haproxy") is None:
        pytest.skip("HAProxy is not installed")
    elb, ends = client("elbv2"), ExitStack()
    network = client("ec2").describe_subnets()["Subnets"][0]["VpcId"]
    (group,) = elb.create_target_group(
        Name=fleet.name,
        Protocol="HTTP",
        Port=80,
        VpcId=network,
        HealthCheckIntervalSeconds=5,
        HealthCheckTimeoutSeconds=2,
        HealthyThresholdCount=2,
        UnhealthyThresholdCount=2,
    )["TargetGroups"]
    fleet.targets = group["TargetGroupArn"]
    ends.callback(elb.delete_target_group, TargetGroupArn=fleet.targets)
    elb.modify_target_group_attributes(
        TargetGroupArn=fleet.targets, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "2"}]
    )
    subnets = fleet.subnets.split(",")  # type: ignore[attr-defined] # of its fixture
    (balancer,) = elb.create_load_balancer(Name=fleet.name, Subnets=subnets)["LoadBalancers"]
    fleet.balancer = balancer["DNSName"]
    ends.callback(elb.delete_load_balancer, LoadBalancerArn=balancer["LoadBalancerArn"])
    (listener,) = elb.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"],
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": fleet.targets}],
    )["Listeners"]
    ends.callback(elb.delete_listener, ListenerArn=listener["ListenerArn"])
    fleet.scaling.attach_load_balancer_target_groups(AutoScalingGroupName=fleet.name, TargetGroupARNs=[fleet.targets])
    yield fleet
    ends.close()


def test_four_machines_are_refreshed_while_a_client_asks(
    balanced: Fleet, serving_ami: str, idle_ami: str, eventually: Callable[..., Any]
) -> None:
    """No request fails; a version that does not serve is rolled back, and not when the group uses `$Latest`."""
    fleet, scaling = balanced, balanced.scaling
    first, second = fleet.version(ImageId=serving_ami), fleet.version(ImageId=serving_ami, InstanceType="t3.medium")
    broken = fleet.version(ImageId=idle_ami)
    named = {"AutoScalingGroupName": fleet.name}
    template = {"LaunchTemplateName": fleet.name}
    scaling.update_auto_scaling_group(
        **named, LaunchTemplate={**template, "Version": first}, DesiredCapacity=4, HealthCheckType="ELB"
    )
    eventually(lambda: fleet.healthy() == 4, "four healthy targets")
    zones = [each["AvailabilityZone"] for each in fleet.told()["Instances"]]
    assert sorted(zones.count(zone) for zone in set(zones)) == [2, 2]
    client = Client(fleet.balancer)
    asking = threading.Thread(target=client.run)
    asking.start()
    try:
        fleet.refresh(second, AutoRollback=True)
        with pytest.raises(ClientError, match="InstanceRefreshInProgress"):
            fleet.refresh(second)
        eventually(lambda: fleet.newest()["Status"] == "Successful", "the refresh")
        assert fleet.versions() == [second] * 4
        assert fleet.told()["LaunchTemplate"]["Version"] == second

        fleet.refresh(broken, AutoRollback=True)
        eventually(lambda: fleet.newest()["Status"] == "RollbackSuccessful", "the rollback")
        assert fleet.versions() == [second] * 4
        assert fleet.told()["LaunchTemplate"]["Version"] == second
        assert (client.failed, client.asked > 100, len(client.pages) >= 8) == ([], True, True)

        scaling.update_auto_scaling_group(**named, LaunchTemplate={**template, "Version": "$Latest"})
        with pytest.raises(ClientError, match="AutoRollback parameter cannot be set to true"):
            fleet.refresh(broken, AutoRollback=True)
        fleet.refresh()
        eventually(lambda: fleet.newest()["Status"] == "Failed", "the refresh to fail")
        with pytest.raises(ClientError, match="ActiveInstanceRefreshNotFound"):
            scaling.rollback_instance_refresh(**named)
        assert fleet.told()["LaunchTemplate"]["Version"] == "$Latest"
        assert client.failed == []
    finally:
        client.end()
        asking.join()


def test_machines_that_are_not_well_are_replaced(
    fleet: Fleet, idle_ami: str, eventually: Callable[..., Any], client: Callable[..., Any]
) -> None:
    """One that was called unhealthy, and one that was terminated behind the group's back; activities say why."""
    scaling, named = fleet.scaling, {"AutoScalingGroupName": fleet.name}
    number = fleet.version(ImageId=idle_ami)
    scaling.update_auto_scaling_group(
        **named,
        LaunchTemplate={"LaunchTemplateName": fleet.name, "Version": number},
        DesiredCapacity=2,
        HealthCheckGracePeriod=0,
    )
    eventually(lambda: len(fleet.versions()) == 2, "two instances")
    first, second = (each["InstanceId"] for each in fleet.told()["Instances"])
    scaling.set_instance_health(InstanceId=first, HealthStatus="Unhealthy")
    client("ec2").terminate_instances(InstanceIds=[second])

    def replaced() -> bool:
        there = {each["InstanceId"] for each in fleet.told()["Instances"]}
        return not there & {first, second} and len(fleet.versions()) == 2

    eventually(replaced, "two other instances")
    causes = {each["Description"]: each["Cause"] for each in scaling.describe_scaling_activities(**named)["Activities"]}
    assert "user health-check" in causes[f"Terminating EC2 instance: {first}"]
    assert "EC2 health check" in causes[f"Terminating EC2 instance: {second}"]
