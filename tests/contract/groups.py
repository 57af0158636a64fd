"""What the rules of Auto Scaling groups and their refreshes share: a template and an empty group of a rule's name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.conftest import Contract

API = "Amazon EC2 Auto Scaling API Reference"
GUIDE = "Amazon EC2 Auto Scaling User Guide"
DEBIAN = "136693071363"
#: Keeps a refresh of an empty group going.
BAKING: dict[str, Any] = {"BakeTime": 172_800}


def image(aws: Contract) -> str:
    named = [{"Name": "name", "Values": ["debian-12-amd64-*"]}]
    found = aws.client("ec2").describe_images(Owners=[DEBIAN], Filters=named)["Images"]
    return str(found[0]["ImageId"])


def subnets(aws: Contract) -> str:
    default = [{"Name": "default-for-az", "Values": ["true"]}]
    found = aws.client("ec2").describe_subnets(Filters=default)["Subnets"]
    return ",".join(each["SubnetId"] for each in found[:2])


def template(aws: Contract, image_id: str = "") -> None:
    """A launch template of this rule's name with two versions."""
    ec2 = aws.client("ec2")
    data = {"ImageId": image_id or image(aws), "InstanceType": "t3.small"}
    ec2.create_launch_template(LaunchTemplateName=aws.name, LaunchTemplateData=data)
    aws.later(ec2.delete_launch_template, LaunchTemplateName=aws.name)
    ec2.create_launch_template_version(
        LaunchTemplateName=aws.name, SourceVersion="1", LaunchTemplateData={"InstanceType": "t3.medium"}
    )


def version(aws: Contract, number: str) -> dict[str, str]:
    return {"LaunchTemplateName": aws.name, "Version": number}


def group(aws: Contract, number: str = "1", **arguments: Any) -> dict[str, str]:
    """An empty group of this rule's name, and what names it in a call."""
    scaling = aws.client("autoscaling")
    template(aws)
    asked = {"MinSize": 0, "MaxSize": 2, "DesiredCapacity": 0, "VPCZoneIdentifier": subnets(aws)}
    launch = version(aws, number) if number else {"LaunchTemplateName": aws.name}
    scaling.create_auto_scaling_group(AutoScalingGroupName=aws.name, LaunchTemplate=launch, **{**asked, **arguments})
    aws.later(scaling.delete_auto_scaling_group, AutoScalingGroupName=aws.name, ForceDelete=True)
    return {"AutoScalingGroupName": aws.name}


def told(aws: Contract) -> dict[str, Any]:
    answer = aws.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[aws.name])
    return dict(answer["AutoScalingGroups"][0])


def refresh(aws: Contract, number: str = "", /, **preferences: Any) -> str:
    """Begin a refresh of the group, to this version of its template if one is given."""
    wanted = {"DesiredConfiguration": {"LaunchTemplate": version(aws, number)}} if number else {}
    answer = aws.client("autoscaling").start_instance_refresh(
        AutoScalingGroupName=aws.name, Preferences=preferences, **wanted
    )
    return str(answer["InstanceRefreshId"])


def newest(aws: Contract) -> dict[str, Any]:
    answer = aws.client("autoscaling").describe_instance_refreshes(AutoScalingGroupName=aws.name)
    return dict(answer["InstanceRefreshes"][0])


def ended(aws: Contract, *statuses: str) -> dict[str, Any]:
    """The newest refresh once it has one of these statuses."""
    return until(lambda: (found := newest(aws))["Status"] in statuses and found, f"a refresh that is {statuses}")


def refused(match: str, call: Callable[..., Any], **arguments: Any) -> None:
    with pytest.raises(ClientError, match=match):
        call(**arguments)
