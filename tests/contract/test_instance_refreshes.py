"""What Amazon EC2 Auto Scaling says of instance refreshes. Those of empty groups need no machine that runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.groups import API, BAKING, ended, group, image, newest, refresh, refused, told
from tests.contract.source import source
from tests.waiting import until

if TYPE_CHECKING:
    from tests.contract.conftest import Contract


def alarmed(aws: Contract) -> Any:
    """A client of CloudWatch, where an alarm of the rule's name is."""
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
    return cloudwatch


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
    until(lambda: ssm.get_parameters(Names=[aws.name])["Parameters"], "the parameter")
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
    cloudwatch = alarmed(aws)

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
    cloudwatch = alarmed(aws)
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
