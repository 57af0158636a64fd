"""What Amazon EC2 Auto Scaling says of groups and instance refreshes. No rule here needs a machine that runs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.source import source

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


def until(ask: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not ask():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)


def ended(aws: Contract, *statuses: str) -> dict[str, Any]:
    """The newest refresh once it has one of these statuses."""
    until(lambda: newest(aws)["Status"] in statuses)
    return newest(aws)


def refused(match: str, call: Callable[..., Any], **arguments: Any) -> None:
    with pytest.raises(ClientError, match=match):
        call(**arguments)


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
    until(lambda: bool(scaling.describe_scaling_activities(**named)["Activities"]))
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

    until(lambda: bool(failed()))
    scaling.set_desired_capacity(**named, DesiredCapacity=0)
    assert "Client.InvalidKMSKey.InvalidState" in failed()[-1]


@source(API, "DeleteAutoScalingGroup")
def test_an_empty_group_is_deleted_at_once(aws: Contract) -> None:
    scaling = aws.client("autoscaling")
    template(aws)
    asked = {"MinSize": 0, "MaxSize": 0, "VPCZoneIdentifier": subnets(aws), "LaunchTemplate": version(aws, "1")}
    scaling.create_auto_scaling_group(AutoScalingGroupName=aws.name, **asked)
    scaling.delete_auto_scaling_group(AutoScalingGroupName=aws.name)
    until(lambda: not scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[aws.name])["AutoScalingGroups"])


# -- instance refreshes ------------------------------------------------------------------------------------------------


@source(API, "StartInstanceRefresh, InstanceRefreshInProgress")
def test_one_refresh_at_a_time(aws: Contract) -> None:
    named = group(aws)
    refresh(aws, "2", **BAKING)
    refused("InstanceRefreshInProgress", aws.client("autoscaling").start_instance_refresh, **named)


@source(API, "CancelInstanceRefresh, ActiveInstanceRefreshNotFound")
def test_no_refresh_is_no_refresh_to_cancel(aws: Contract) -> None:
    refused("ActiveInstanceRefreshNotFound", aws.client("autoscaling").cancel_instance_refresh, **group(aws))


@source(API, "RollbackInstanceRefresh, ActiveInstanceRefreshNotFound")
def test_no_refresh_is_no_refresh_to_roll_back(aws: Contract) -> None:
    refused("ActiveInstanceRefreshNotFound", aws.client("autoscaling").rollback_instance_refresh, **group(aws))


@source(API, "CancelInstanceRefresh; InstanceRefresh, Status: Cancelled")
def test_a_refresh_that_was_cancelled_wrote_nothing(aws: Contract) -> None:
    named = group(aws)
    refresh(aws, "2", **BAKING)
    aws.client("autoscaling").cancel_instance_refresh(**named)
    assert ended(aws, "Cancelled")["DesiredConfiguration"]["LaunchTemplate"]["Version"] == "2"
    assert told(aws)["LaunchTemplate"]["Version"] == "1"


@source(API, "StartInstanceRefresh, DesiredConfiguration: once the instance refresh succeeds")
def test_the_desired_configuration_is_written_on_success_only(aws: Contract) -> None:
    group(aws)
    refresh(aws, "2", BakeTime=2)
    ended(aws, "Baking")
    before = told(aws)["LaunchTemplate"]["Version"]
    ended(aws, "Successful")
    assert (before, told(aws)["LaunchTemplate"]["Version"]) == ("1", "2")


@source(API, "RefreshPreferences, BakeTime; InstanceRefresh, Status: Baking")
def test_a_refresh_bakes_before_it_is_successful(aws: Contract) -> None:
    group(aws)
    refresh(aws, "2", BakeTime=1)
    shown = ended(aws, "Successful")
    assert (shown["EndTime"] - shown["StartTime"]).total_seconds() >= 1


@source(API, "RollbackInstanceRefresh; InstanceRefresh, RollbackDetails")
def test_a_rollback_brings_the_old_configuration_back(aws: Contract) -> None:
    named = group(aws)
    refresh(aws, "2", **BAKING)
    ended(aws, "Baking")
    aws.client("autoscaling").rollback_instance_refresh(**named)
    shown = ended(aws, "RollbackSuccessful")
    assert (shown["RollbackDetails"]["RollbackReason"] != "", told(aws)["LaunchTemplate"]["Version"]) == (True, "1")


@source(API, "RollbackInstanceRefresh: no desired configuration; IrreversibleInstanceRefresh")
def test_without_a_desired_configuration_nothing_is_rolled_back(aws: Contract) -> None:
    named = group(aws)
    refresh(aws, **BAKING)
    refused("IrreversibleInstanceRefresh", aws.client("autoscaling").rollback_instance_refresh, **named)


@source(API, "RollbackInstanceRefresh: the launch template's $Latest or $Default version; IrreversibleInstanceRefresh")
@pytest.mark.parametrize("number", ["$Latest", "$Default"])
def test_a_group_of_latest_or_default_is_not_rolled_back(aws: Contract, number: str) -> None:
    named = group(aws, number)
    refresh(aws, "2", **BAKING)
    refused("IrreversibleInstanceRefresh", aws.client("autoscaling").rollback_instance_refresh, **named)


@source(API, "RefreshPreferences, AutoRollback: no desired configuration")
def test_auto_rollback_without_a_desired_configuration_is_refused(aws: Contract) -> None:
    group(aws)
    with pytest.raises(ClientError, match=r"ValidationError.*AutoRollback"):
        refresh(aws, AutoRollback=True)


@source(API, "RefreshPreferences, AutoRollback: $Latest or $Default")
@pytest.mark.parametrize("number", ["$Latest", "$Default"])
def test_auto_rollback_of_a_group_of_latest_or_default_is_refused(aws: Contract, number: str) -> None:
    group(aws, number)
    with pytest.raises(ClientError, match="ValidationError"):
        refresh(aws, "2", AutoRollback=True)


@source(API, "RefreshPreferences, AutoRollback: a Systems Manager parameter instead of an AMI ID")
def test_auto_rollback_with_a_parameter_is_refused(aws: Contract) -> None:
    ssm, ec2 = aws.client("ssm"), aws.client("ec2")
    ssm.put_parameter(Name=aws.name, Value=image(aws), Type="String", DataType="aws:ec2:image")
    aws.later(ssm.delete_parameters, Names=[aws.name])
    until(lambda: bool(ssm.get_parameters(Names=[aws.name])["Parameters"]))
    group(aws)
    ec2.create_launch_template_version(
        LaunchTemplateName=aws.name, SourceVersion="1", LaunchTemplateData={"ImageId": f"resolve:ssm:{aws.name}"}
    )
    with pytest.raises(ClientError, match="ValidationError"):
        refresh(aws, "3", AutoRollback=True)


@source(API, "RefreshPreferences, MaxHealthyPercentage: you must also specify MinHealthyPercentage")
def test_a_maximum_needs_a_minimum(aws: Contract) -> None:
    group(aws)
    with pytest.raises(ClientError, match="ValidationError"):
        refresh(aws, "2", MaxHealthyPercentage=110)


@source(API, "RefreshPreferences, MaxHealthyPercentage: the difference cannot be greater than 100")
def test_maximum_and_minimum_are_not_far_apart(aws: Contract) -> None:
    group(aws)
    with pytest.raises(ClientError, match="ValidationError"):
        refresh(aws, "2", MinHealthyPercentage=50, MaxHealthyPercentage=160)


@source(API, "RefreshPreferences, CheckpointDelay: you must also specify CheckpointPercentages")
def test_a_delay_needs_checkpoints(aws: Contract) -> None:
    group(aws)
    with pytest.raises(ClientError, match="ValidationError"):
        refresh(aws, "2", CheckpointDelay=60)


@source(API, "RefreshPreferences, CheckpointPercentages: in ascending order, each unique")
@pytest.mark.parametrize("points", [[100, 50], [50, 50, 100]])
def test_checkpoints_ascend(aws: Contract, points: list[int]) -> None:
    group(aws)
    with pytest.raises(ClientError, match="ValidationError"):
        refresh(aws, "2", CheckpointPercentages=points)


@source(API, "RefreshPreferences: the defaults; User Guide, Understand the default values for an instance refresh")
def test_the_defaults_of_a_refresh(aws: Contract) -> None:
    group(aws, HealthCheckGracePeriod=77)
    refresh(aws, "2", **BAKING)
    shown = newest(aws)["Preferences"]
    assert {key: shown.get(key) for key in ("MinHealthyPercentage", "InstanceWarmup", "SkipMatching")} == {
        "MinHealthyPercentage": 90,
        "InstanceWarmup": 77,
        "SkipMatching": False,
    }


@source(API, "RefreshPreferences, InstanceWarmup: the DefaultInstanceWarmup property, if defined")
def test_the_warm_up_of_the_group_is_the_usual_one(aws: Contract) -> None:
    group(aws, HealthCheckGracePeriod=77, DefaultInstanceWarmup=11)
    refresh(aws, "2", **BAKING)
    assert newest(aws)["Preferences"]["InstanceWarmup"] == 11


@source(API, "RefreshPreferences, AlarmSpecification")
@pytest.mark.parametrize("baking", [False, True])
def test_an_alarm_fails_a_refresh(aws: Contract, baking: bool) -> None:  # noqa: FBT001 a parameter of a test
    cloudwatch = aws.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=aws.name,
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        MetricName="errors",
        Namespace=aws.name,
        Period=60,
        Statistic="Sum",
        Threshold=1,
        TreatMissingData="ignore",
    )
    aws.later(cloudwatch.delete_alarms, AlarmNames=[aws.name])

    def alarm() -> None:
        cloudwatch.set_alarm_state(AlarmName=aws.name, StateValue="ALARM", StateReason="a rule")

    group(aws)
    if not baking:
        alarm()
    refresh(aws, "2", AlarmSpecification={"Alarms": [aws.name]}, **BAKING)
    if baking:
        ended(aws, "Baking")
        alarm()
    shown = ended(aws, "Failed")
    assert (aws.name in shown["StatusReason"], told(aws)["LaunchTemplate"]["Version"]) == (True, "1")


@source(API, "RefreshPreferences, AutoRollback: if a CloudWatch alarm threshold is met")
def test_an_alarm_rolls_back(aws: Contract) -> None:
    cloudwatch = aws.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=aws.name,
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        MetricName="errors",
        Namespace=aws.name,
        Period=60,
        Statistic="Sum",
        Threshold=1,
        TreatMissingData="ignore",
    )
    aws.later(cloudwatch.delete_alarms, AlarmNames=[aws.name])
    group(aws)
    refresh(aws, "2", AlarmSpecification={"Alarms": [aws.name]}, AutoRollback=True, **BAKING)
    ended(aws, "Baking")
    cloudwatch.set_alarm_state(AlarmName=aws.name, StateValue="ALARM", StateReason="a rule")
    ended(aws, "RollbackSuccessful")
    assert told(aws)["LaunchTemplate"]["Version"] == "1"


@source(API, "StartInstanceRefresh, DesiredConfiguration; a version that is not there")
def test_a_refresh_to_a_version_that_is_not_there_is_refused(aws: Contract) -> None:
    group(aws)
    with pytest.raises(ClientError, match="ValidationError"):
        refresh(aws, "9")


@source(API, "DescribeInstanceRefreshes: sorted by creation timestamp in descending order")
def test_refreshes_are_listed_newest_first_and_in_pages(aws: Contract) -> None:
    group(aws)
    made: list[str] = []
    for number in ("2", "1"):
        made.insert(0, refresh(aws, number))
        ended(aws, "Successful")
    describe, named = aws.client("autoscaling").describe_instance_refreshes, {"AutoScalingGroupName": aws.name}
    first = describe(**named, MaxRecords=1)
    second = describe(**named, MaxRecords=1, NextToken=first["NextToken"])
    listed = [each["InstanceRefreshId"] for page in (first, second) for each in page["InstanceRefreshes"]]
    assert (listed, "NextToken" in second) == (made, False)
