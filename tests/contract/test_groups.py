"""What Amazon EC2 Auto Scaling says of groups. No rule here needs a machine that runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.groups import API, GUIDE, group, image, refused, subnets, template, told, version
from tests.contract.source import source
from tests.waiting import until

if TYPE_CHECKING:
    from tests.contract.conftest import Contract


@source(API, "CreateAutoScalingGroup, AlreadyExists")
def test_a_name_of_a_group_is_given_once(aws: Contract) -> None:
    named = group(aws)
    call = aws.client("autoscaling").create_auto_scaling_group
    refused("AlreadyExists", call, **named, MinSize=0, MaxSize=0, LaunchTemplate=version(aws, "1"))


@source(API, "CreateAutoScalingGroup, LaunchTemplate: one of several parameters")
def test_a_group_without_anything_to_launch_is_refused(aws: Contract) -> None:
    call = aws.client("autoscaling").create_auto_scaling_group
    asked = {"AutoScalingGroupName": aws.name, "MinSize": 0, "MaxSize": 0, "VPCZoneIdentifier": subnets(aws)}
    refused("ValidationError", call, **asked)


@source(
    GUIDE, "Troubleshoot Amazon EC2 Auto Scaling: Launch templates, You must use a valid fully-formed launch template"
)
def test_a_template_whose_ami_is_not_there_makes_no_group(aws: Contract) -> None:
    template(aws, "ami-0123456789abcdef0")
    call = aws.client("autoscaling").create_auto_scaling_group
    asked = {"AutoScalingGroupName": aws.name, "MinSize": 0, "MaxSize": 0, "VPCZoneIdentifier": subnets(aws)}
    refused("valid fully-formed launch template", call, **asked, LaunchTemplate=version(aws, "1"))


@source(GUIDE, "Troubleshoot Amazon EC2 Auto Scaling: Launch templates")
def test_a_version_that_is_not_there_makes_no_group(aws: Contract) -> None:
    template(aws)
    call = aws.client("autoscaling").create_auto_scaling_group
    asked = {"AutoScalingGroupName": aws.name, "MinSize": 0, "MaxSize": 0, "VPCZoneIdentifier": subnets(aws)}
    refused("ValidationError", call, **asked, LaunchTemplate=version(aws, "9"))


@source(GUIDE, "Set scaling limits for your Auto Scaling group: the desired capacity is between minimum and maximum")
def test_a_desired_capacity_above_the_maximum_is_refused(aws: Contract) -> None:
    named = group(aws)
    refused("ValidationError", aws.client("autoscaling").set_desired_capacity, **named, DesiredCapacity=3)


@source(GUIDE, "Set scaling limits for your Auto Scaling group: the minimum is not above the maximum")
def test_a_minimum_above_the_maximum_is_refused(aws: Contract) -> None:
    named = group(aws)
    refused("ValidationError", aws.client("autoscaling").update_auto_scaling_group, **named, MinSize=3)


@source(API, "UpdateAutoScalingGroup: properties that you don't specify are not changed")
def test_an_update_changes_only_what_it_says(aws: Contract) -> None:
    named = group(aws, HealthCheckGracePeriod=33, DefaultInstanceWarmup=44)
    aws.client("autoscaling").update_auto_scaling_group(**named, MaxSize=5)
    now = told(aws)
    kept = [now[key] for key in ("MaxSize", "HealthCheckGracePeriod", "DefaultInstanceWarmup", "DesiredCapacity")]
    assert (kept, now["LaunchTemplate"]["Version"]) == ([5, 33, 44, 0], "1")


@source(API, "UpdateAutoScalingGroup, LaunchTemplate")
def test_an_update_names_another_version(aws: Contract) -> None:
    named = group(aws)
    aws.client("autoscaling").update_auto_scaling_group(**named, LaunchTemplate=version(aws, "2"))
    assert told(aws)["LaunchTemplate"]["Version"] == "2"


@source(API, "Common errors, ValidationError; a group that does not exist")
@pytest.mark.parametrize("call", ["set_desired_capacity", "update_auto_scaling_group", "start_instance_refresh"])
def test_a_group_that_is_not_there_is_refused(aws: Contract, call: str) -> None:
    more = {"DesiredCapacity": 0} if call == "set_desired_capacity" else {}
    refused("ValidationError", getattr(aws.client("autoscaling"), call), AutoScalingGroupName=aws.name, **more)


@source(API, "DescribeAutoScalingGroups: unknown names are ignored")
def test_a_group_that_is_not_there_is_not_listed(aws: Contract) -> None:
    answer = aws.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[aws.name])
    assert answer["AutoScalingGroups"] == []


@source(API, "SetInstanceHealth; an instance that no group has (the code is Auto Scaling's for bad input)")
def test_the_health_of_a_foreign_instance_is_refused(aws: Contract) -> None:
    call = aws.client("autoscaling").set_instance_health
    refused("ValidationError", call, InstanceId="i-0123456789abcdef0", HealthStatus="Unhealthy")


@source(GUIDE, "Troubleshoot: EC2 instance launch failures; API Reference, Activity: StatusMessage")
def test_a_launch_that_fails_is_an_activity_with_a_message(aws: Contract) -> None:
    ec2, scaling = aws.client("ec2"), aws.client("autoscaling")
    copy = ec2.copy_image(SourceImageId=image(aws), SourceRegion="us-east-1", Name=aws.name)["ImageId"]
    ec2.get_waiter("image_available").wait(ImageIds=[copy], WaiterConfig={"Delay": 1, "MaxAttempts": 900})
    named = group(aws)
    ec2.create_launch_template_version(
        LaunchTemplateName=aws.name, SourceVersion="1", LaunchTemplateData={"ImageId": copy}
    )
    scaling.update_auto_scaling_group(**named, LaunchTemplate=version(aws, "3"))
    (snapshot,) = ec2.describe_images(ImageIds=[copy])["Images"][0]["BlockDeviceMappings"]
    ec2.deregister_image(ImageId=copy)
    aws.later(ec2.delete_snapshot, SnapshotId=snapshot["Ebs"]["SnapshotId"])
    scaling.set_desired_capacity(**named, DesiredCapacity=1)
    until(lambda: scaling.describe_scaling_activities(**named)["Activities"], "an activity")
    scaling.set_desired_capacity(**named, DesiredCapacity=0)
    activity = scaling.describe_scaling_activities(**named)["Activities"][0]
    assert activity["StatusCode"] == "Failed"
    assert copy in activity["StatusMessage"]
    assert "Launching EC2 instance failed" in activity["StatusMessage"]


@source(GUIDE, "Required AWS KMS key policy for use with encrypted volumes: Client.InvalidKMSKey.InvalidState")
def test_a_key_that_auto_scaling_may_not_use_ends_its_instances(aws: Contract) -> None:
    ec2, scaling, kms = aws.client("ec2"), aws.client("autoscaling"), aws.client("kms")
    key = kms.create_key(Description=aws.name)["KeyMetadata"]["Arn"]
    aws.later(kms.schedule_key_deletion, KeyId=key, PendingWindowInDays=7)
    asked = {"SourceImageId": image(aws), "SourceRegion": "us-east-1", "Name": aws.name}
    copy = ec2.copy_image(**asked, Encrypted=True, KmsKeyId=key)["ImageId"]
    aws.later(ec2.deregister_image, ImageId=copy)
    ec2.get_waiter("image_available").wait(ImageIds=[copy], WaiterConfig={"Delay": 1, "MaxAttempts": 900})
    named = group(aws)
    ec2.create_launch_template_version(
        LaunchTemplateName=aws.name, SourceVersion="1", LaunchTemplateData={"ImageId": copy}
    )
    scaling.update_auto_scaling_group(**named, LaunchTemplate=version(aws, "3"), DesiredCapacity=1)

    def failed() -> list[str]:
        told = scaling.describe_scaling_activities(**named)["Activities"]
        return [each["StatusMessage"] for each in told if each["StatusCode"] == "Failed"]

    until(failed, "an activity that failed")
    scaling.set_desired_capacity(**named, DesiredCapacity=0)
    assert "Client.InvalidKMSKey.InvalidState" in failed()[-1]


@source(GUIDE, "Troubleshoot Amazon EC2 Auto Scaling: EC2 instance launch failures, the launch template version")
def test_a_version_that_was_deleted_launches_nothing(aws: Contract) -> None:
    scaling, named = aws.client("autoscaling"), group(aws, "2")
    aws.client("ec2").delete_launch_template_versions(LaunchTemplateName=aws.name, Versions=["2"])
    scaling.set_desired_capacity(**named, DesiredCapacity=1)
    until(lambda: scaling.describe_scaling_activities(**named)["Activities"], "an activity")
    scaling.set_desired_capacity(**named, DesiredCapacity=0)
    assert scaling.describe_scaling_activities(**named)["Activities"][0]["StatusCode"] == "Failed"
    assert told(aws)["Instances"] == []


@source(API, "DeleteAutoScalingGroup")
def test_an_empty_group_is_deleted_at_once(aws: Contract) -> None:
    scaling = aws.client("autoscaling")
    template(aws)
    asked = {"MinSize": 0, "MaxSize": 0, "VPCZoneIdentifier": subnets(aws), "LaunchTemplate": version(aws, "1")}
    scaling.create_auto_scaling_group(AutoScalingGroupName=aws.name, **asked)
    scaling.delete_auto_scaling_group(AutoScalingGroupName=aws.name)
    found = {"AutoScalingGroupNames": [aws.name]}
    until(lambda: not scaling.describe_auto_scaling_groups(**found)["AutoScalingGroups"], "the end of the group")


@source("Amazon EC2 Auto Scaling API Reference", "DescribeAutoScalingGroups, InvalidNextToken")
def test_a_token_of_groups_that_was_never_given_is_refused(aws: Contract) -> None:
    refused("InvalidNextToken", aws.client("autoscaling").describe_auto_scaling_groups, NextToken="guessed")
