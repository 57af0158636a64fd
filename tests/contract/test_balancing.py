"""What Elastic Load Balancing says of target groups and their targets. No rule here needs a machine that runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.source import source
from tests.waiting import until

if TYPE_CHECKING:
    from tests.contract.conftest import Contract

API = "Elastic Load Balancing API Reference (version 2015-12-01)"
GUIDE = "User Guide for Application Load Balancers"


def network(aws: Contract) -> tuple[str, str, list[str]]:
    """The default network: its id, an address of it that nobody has, and two subnets."""
    ec2 = aws.client("ec2")
    default = [{"Name": "default-for-az", "Values": ["true"]}]
    found = ec2.describe_subnets(Filters=default)["Subnets"][:2]
    free = found[0]["CidrBlock"].partition("/")[0].rpartition(".")[0] + ".250"
    return found[0]["VpcId"], free, [each["SubnetId"] for each in found]


def target_group(aws: Contract, **arguments: Any) -> str:
    """A target group of addresses; its ARN."""
    elb = aws.client("elbv2")
    asked = {"Protocol": "HTTP", "Port": 80, "VpcId": network(aws)[0], "TargetType": "ip"}
    (made,) = elb.create_target_group(Name=aws.name[:32], **{**asked, **arguments})["TargetGroups"]
    aws.later(elb.delete_target_group, TargetGroupArn=made["TargetGroupArn"])
    return str(made["TargetGroupArn"])


def health(aws: Contract, group: str, **asked: Any) -> list[dict[str, Any]]:
    told = aws.client("elbv2").describe_target_health(TargetGroupArn=group, **asked)["TargetHealthDescriptions"]
    return [each["TargetHealth"] for each in told]


def listener(aws: Contract, group: str) -> None:
    """A load balancer that forwards to a target group."""
    elb = aws.client("elbv2")
    made = elb.create_load_balancer(Name=aws.name[:32], Subnets=network(aws)[2], Scheme="internal")
    balancer = made["LoadBalancers"][0]["LoadBalancerArn"]
    aws.later(elb.delete_load_balancer, LoadBalancerArn=balancer)
    elb.get_waiter("load_balancer_available").wait(LoadBalancerArns=[balancer])
    action = {"Type": "forward", "TargetGroupArn": group}
    elb.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=[action])


@source(GUIDE, "Target health status: unused, Target.NotInUse")
def test_a_target_of_a_group_that_nobody_uses_is_unused(aws: Contract) -> None:
    group = target_group(aws)
    aws.client("elbv2").register_targets(TargetGroupArn=group, Targets=[{"Id": network(aws)[1]}])
    (told,) = health(aws, group)
    assert (told["State"], told["Reason"]) == ("unused", "Target.NotInUse")


@source(GUIDE, "Target health status: unused, Target.NotRegistered")
def test_a_target_that_is_not_registered_is_unused(aws: Contract) -> None:
    group = target_group(aws)
    (told,) = health(aws, group, Targets=[{"Id": network(aws)[1], "Port": 80}])
    assert (told["State"], told["Reason"]) == ("unused", "Target.NotRegistered")


@source(API, "DescribeTargetHealth; a group without targets")
def test_an_empty_group_has_no_health(aws: Contract) -> None:
    assert health(aws, target_group(aws)) == []


@source(API, "DescribeTargetHealth, TargetGroupNotFound")
def test_a_target_group_that_is_not_there_is_refused(aws: Contract) -> None:
    group = target_group(aws)
    with pytest.raises(ClientError, match="TargetGroupNotFound"):
        health(aws, f"{group[:-16]}0123456789abcdef")


@source(GUIDE, "Health check settings: the defaults")
def test_the_defaults_of_health_checks(aws: Contract) -> None:
    (told,) = aws.client("elbv2").describe_target_groups(TargetGroupArns=[target_group(aws)])["TargetGroups"]
    shown = [told[key] for key in ("HealthCheckProtocol", "HealthCheckPath", "HealthCheckIntervalSeconds")]
    assert (shown, told["HealthyThresholdCount"], told["UnhealthyThresholdCount"]) == (["HTTP", "/", 30], 5, 2)


@source(GUIDE, "Target group attributes: deregistration_delay.timeout_seconds is 300 seconds")
def test_targets_drain_for_five_minutes_unless_it_is_said(aws: Contract) -> None:
    told = aws.client("elbv2").describe_target_group_attributes(TargetGroupArn=target_group(aws))["Attributes"]
    assert {"Key": "deregistration_delay.timeout_seconds", "Value": "300"} in told


@source(GUIDE, "Target health status: initial")
def test_a_target_is_not_healthy_before_it_was_asked(aws: Contract) -> None:
    group = target_group(aws)
    listener(aws, group)
    aws.client("elbv2").register_targets(TargetGroupArn=group, Targets=[{"Id": network(aws)[1]}])
    (told,) = health(aws, group)
    assert (told["State"], told["Reason"].startswith("Elb.")) == ("initial", True)


@source(GUIDE, "Target health status: unhealthy, Target.Timeout or Target.FailedHealthChecks")
def test_a_target_that_does_not_answer_becomes_unhealthy(aws: Contract) -> None:
    group = target_group(aws, HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=2, UnhealthyThresholdCount=2)
    listener(aws, group)
    aws.client("elbv2").register_targets(TargetGroupArn=group, Targets=[{"Id": network(aws)[1]}])
    until(lambda: health(aws, group)[0]["State"] == "unhealthy", "an unhealthy target", pause=0.5)
    (told,) = health(aws, group)
    assert told["State"] == "unhealthy"
    assert told["Reason"] in ("Target.Timeout", "Target.FailedHealthChecks")


@source(GUIDE, "Deregistration delay: draining, then unused")
def test_a_target_drains_before_it_is_unused(aws: Contract) -> None:
    elb, target = aws.client("elbv2"), {"Id": network(aws)[1], "Port": 80}
    group = target_group(aws)
    attribute = {"Key": "deregistration_delay.timeout_seconds", "Value": "2"}
    elb.modify_target_group_attributes(TargetGroupArn=group, Attributes=[attribute])
    listener(aws, group)
    elb.register_targets(TargetGroupArn=group, Targets=[target])
    elb.deregister_targets(TargetGroupArn=group, Targets=[target])
    (told,) = health(aws, group, Targets=[target])
    assert (told["State"], told["Reason"]) == ("draining", "Target.DeregistrationInProgress")
    until(lambda: health(aws, group, Targets=[target])[0]["State"] == "unused", "the end of the delay", pause=0.5)
    assert health(aws, group, Targets=[target])[0]["Reason"] == "Target.NotRegistered"


@source(API, "DeleteTargetGroup, ResourceInUse")
def test_a_target_group_in_use_is_not_deleted(aws: Contract) -> None:
    group = target_group(aws)
    listener(aws, group)
    with pytest.raises(ClientError, match="ResourceInUse"):
        aws.client("elbv2").delete_target_group(TargetGroupArn=group)
