"""What AWS says to calls that ask for what there is not, in the words of each protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.contract.sending import refused, sending
from tests.contract.source import source

if TYPE_CHECKING:
    from tests.contract.conftest import Contract

EC2_ERRORS = "Amazon EC2 Developer Guide"
COMMON = "Error codes for the Amazon EC2 API, Common client error codes, {}"


@pytest.fixture
def ec2(aws: Contract) -> Any:
    return aws.client("ec2")


@pytest.fixture
def ssm(aws: Contract) -> Any:
    return aws.client("ssm")


# -- actions -------------------------------------------------------------------------------------------------------


@source(EC2_ERRORS, COMMON.format("InvalidAction"))
def test_ec2_knows_no_other_actions(ec2: Any) -> None:
    with sending(ec2, "DescribeEverything"):
        assert refused(ec2.describe_regions)[0] == "InvalidAction"


@source("AWS Identity and Access Management API Reference", "Common Errors, InvalidAction")
def test_iam_knows_no_other_actions(aws: Contract) -> None:
    iam = aws.client("iam")
    with sending(iam, "ListEverything"):
        assert refused(iam.list_users)[0] == "InvalidAction"


@source("AWS Security Token Service API Reference", "Common Errors, InvalidAction")
def test_sts_knows_no_other_actions(aws: Contract) -> None:
    sts = aws.client("sts")
    with sending(sts, "WhoIsThis"):
        assert refused(sts.get_caller_identity)[0] == "InvalidAction"


@source("Amazon EC2 Auto Scaling API Reference", "Common Errors, InvalidAction")
def test_auto_scaling_knows_no_other_actions(aws: Contract) -> None:
    autoscaling = aws.client("autoscaling")
    with sending(autoscaling, "DescribeEverything"):
        assert refused(autoscaling.describe_auto_scaling_groups)[0] == "InvalidAction"


@source("Smithy", "AWS JSON 1.1 protocol, Operation error serialization: UnknownOperationException")
def test_systems_manager_knows_no_other_actions(ssm: Any) -> None:
    with sending(ssm, "DescribeEverything"):
        assert refused(ssm.describe_parameters)[0] == "UnknownOperationException"


@source("Smithy", "AWS JSON 1.1 protocol, Operation error serialization: UnknownOperationException")
def test_key_management_knows_no_other_actions(aws: Contract) -> None:
    kms = aws.client("kms")
    with sending(kms, "ListEverything"):
        assert refused(kms.list_keys)[0] == "UnknownOperationException"


# -- parameters of EC2 ---------------------------------------------------------------------------------------------


@source(EC2_ERRORS, COMMON.format("UnknownParameter"))
def test_a_parameter_that_an_action_does_not_have_is_unknown(ec2: Any) -> None:
    with sending(ec2, Nonsense="1"):
        assert refused(ec2.describe_images, Owners=["self"])[0] == "UnknownParameter"


@source(EC2_ERRORS, COMMON.format("UnknownParameter"))
def test_a_parameter_that_only_another_action_has_is_unknown(ec2: Any) -> None:
    with sending(ec2, **{"ImageId.1": "ami-0123456789abcdef0"}):
        assert refused(ec2.describe_snapshots, OwnerIds=["self"])[0] == "UnknownParameter"


@source(EC2_ERRORS, COMMON.format("UnknownParameter"))
def test_a_name_within_a_structure_may_be_unknown(ec2: Any) -> None:
    with sending(ec2, **{"Filter.1.Name": "state", "Filter.1.Nonsense": "1"}):
        assert refused(ec2.describe_images, Owners=["self"])[0] == "UnknownParameter"


@source(EC2_ERRORS, COMMON.format("MissingParameter"))
def test_what_an_action_needs_must_be_there(aws: Contract) -> None:
    ec2 = lax(aws, "ec2")
    assert refused(ec2.copy_image, Name=aws.name, SourceRegion="us-east-1")[0] == "MissingParameter"


@source("Amazon EC2 API Reference", "RunInstances, MinCount; error MissingParameter of the Developer Guide")
def test_a_launch_says_how_many_at_least(aws: Contract) -> None:
    ec2 = lax(aws, "ec2")
    assert refused(ec2.run_instances, ImageId="ami-0123456789abcdef0", MaxCount=1)[0] == "MissingParameter"


@source(EC2_ERRORS, COMMON.format("InvalidParameterValue"))
def test_a_number_must_be_one(ec2: Any) -> None:
    with sending(ec2, MinCount="one"):
        answer = refused(ec2.run_instances, ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1)
    assert answer[0] == "InvalidParameterValue"


@source("Amazon EC2 API Reference", "RunInstances, MaxCount: MinCount is the least")
def test_a_launch_asks_for_one_machine_at_least(ec2: Any) -> None:
    answer = refused(ec2.run_instances, ImageId="ami-0123456789abcdef0", MinCount=0, MaxCount=1)
    assert answer[0] == "InvalidParameterValue"


@source("Amazon EC2 API Reference", "CreateVolume, VolumeType, Valid Values")
def test_a_volume_has_one_of_the_types_that_there_are(ec2: Any) -> None:
    answer = refused(ec2.create_volume, AvailabilityZone="us-east-1a", Size=1, VolumeType="gp9")
    assert answer[0] == "InvalidParameterValue"


@source("Amazon EC2 API Reference", "ModifyInstanceMetadataOptions, HttpTokens, Valid Values: optional | required")
def test_tokens_of_the_metadata_service_are_optional_or_required(ec2: Any) -> None:
    arguments = {"InstanceId": "i-0123456789abcdef0", "HttpTokens": "never"}
    assert refused(ec2.modify_instance_metadata_options, **arguments)[0] == "InvalidParameterValue"


@source(EC2_ERRORS, COMMON.format("DryRunOperation"))
def test_a_dry_run_ends_before_the_effect(ec2: Any) -> None:
    assert refused(ec2.describe_regions, DryRun=True)[0] == "DryRunOperation"


# -- filters -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "action",
    [
        "describe_images", "describe_instances", "describe_snapshots", "describe_volumes", "describe_subnets",
        "describe_security_groups", "describe_key_pairs", "describe_launch_templates", "describe_tags", "describe_vpcs",
    ],
)  # fmt: skip
@source("Amazon EC2 API Reference", "the Filter.N of the action; error InvalidParameterValue of the Developer Guide")
def test_a_filter_that_an_action_does_not_have_is_invalid(ec2: Any, action: str) -> None:
    code, message = refused(getattr(ec2, action), Filters=[{"Name": "nmae", "Values": ["x"]}])
    assert (code, "nmae" in message) == ("InvalidParameterValue", True)


@source("Amazon EC2 API Reference", "DescribeLaunchTemplateVersions, Filter.N")
def test_a_filter_of_template_versions_is_one_of_those_listed(aws: Contract, ec2: Any) -> None:
    ec2.create_launch_template(LaunchTemplateName=aws.name, LaunchTemplateData={"InstanceType": "t3.small"})
    aws.later(ec2.delete_launch_template, LaunchTemplateName=aws.name)
    arguments = {"LaunchTemplateName": aws.name, "Filters": [{"Name": "subnet", "Values": ["x"]}]}
    assert refused(ec2.describe_launch_template_versions, **arguments)[0] == "InvalidParameterValue"


@source("Amazon EC2 API Reference", "DescribeImages, Filter.N: tag:<key>")
def test_any_tag_may_be_a_filter(ec2: Any) -> None:
    found = ec2.describe_images(Owners=["self"], Filters=[{"Name": "tag:any key at all", "Values": ["x"]}])
    assert found["Images"] == []


@source("Amazon EC2 Auto Scaling API Reference", "DescribeAutoScalingGroups, Filters; Common Errors, ValidationError")
def test_groups_are_filtered_by_tags_alone(aws: Contract) -> None:
    call = aws.client("autoscaling").describe_auto_scaling_groups
    assert refused(call, Filters=[{"Name": "status", "Values": ["x"]}])[0] == "ValidationError"


@source("AWS Systems Manager API Reference", "DescribeInstanceInformation, Errors, InvalidFilterKey")
def test_nodes_are_filtered_by_known_keys(ssm: Any) -> None:
    filters = [{"Key": "Nonsense", "Values": ["x"]}]
    assert refused(ssm.describe_instance_information, Filters=filters)[0] == "InvalidFilterKey"


# -- Systems Manager, KMS, EventBridge and others that speak JSON ----------------------------------------------------


def lax(aws: Contract, service: str) -> Any:
    """A client that sends what boto3 would find wrong itself."""
    made = aws.client(service)
    config = Config(parameter_validation=False)
    keys = made._request_signer._credentials.get_frozen_credentials()
    return boto3.client(  # type: ignore[call-overload] # of any service
        service,
        region_name=made.meta.region_name,
        endpoint_url=made.meta.endpoint_url,
        aws_access_key_id=keys.access_key,
        aws_secret_access_key=keys.secret_key,
        aws_session_token=keys.token,
        config=config,
    )


@source("AWS Systems Manager API Reference", "PutParameter, Type, Valid Values; Common Errors, ValidationException")
def test_a_parameter_has_one_of_three_types(aws: Contract, ssm: Any) -> None:
    code, message = refused(ssm.put_parameter, Name=f"/{aws.name}", Value="x", Type="Text")
    assert code == "ValidationException"
    assert "Member must satisfy enum value set" in message


@source("AWS Systems Manager API Reference", "PutParameter, Value, Required: Yes")
def test_a_parameter_has_a_value(aws: Contract) -> None:
    assert refused(lax(aws, "ssm").put_parameter, Name=f"/{aws.name}")[0] == "ValidationException"


@source("AWS Systems Manager API Reference", "PutParameter, Name, Maximum length of 2048")
def test_a_parameters_name_is_not_longer_than_2048(ssm: Any) -> None:
    answer = refused(ssm.put_parameter, Name="/" + "a" * 2048, Value="x", Type="String")
    assert answer[0] == "ValidationException"


@source("AWS Systems Manager API Reference", "GetParametersByPath, MaxResults, Maximum value of 10")
def test_a_page_of_a_path_has_ten_parameters_at_most(ssm: Any) -> None:
    assert refused(ssm.get_parameters_by_path, Path="/", MaxResults=11)[0] == "ValidationException"


@source("AWS Systems Manager API Reference", "GetParameters, Names, Maximum number of 10 items")
def test_ten_parameters_can_be_asked_for_at_once(ssm: Any) -> None:
    names = [f"/none/{number}" for number in range(11)]
    assert refused(ssm.get_parameters, Names=names)[0] == "ValidationException"


@source("AWS Systems Manager API Reference", "SendCommand, TimeoutSeconds, Minimum value of 30")
def test_a_command_waits_thirty_seconds_at_least(aws: Contract) -> None:
    arguments = {"DocumentName": "AWS-RunShellScript", "InstanceIds": ["i-0123456789abcdef0"], "TimeoutSeconds": 29}
    assert refused(lax(aws, "ssm").send_command, **arguments)[0] == "ValidationException"


@source("AWS Systems Manager API Reference", "GetParameterHistory, MaxResults, Maximum value of 50")
def test_a_page_of_a_history_has_fifty_versions_at_most(ssm: Any) -> None:
    assert refused(ssm.get_parameter_history, Name="/none", MaxResults=51)[0] == "ValidationException"


@source("Smithy", "AWS JSON 1.1 protocol: SerializationException, as botocore's users report it")
def test_text_is_no_number_in_json(ssm: Any) -> None:
    with sending(ssm, MaxResults="ten"):
        assert refused(ssm.get_parameters_by_path, Path="/")[0] == "SerializationException"


@source("AWS Key Management Service API Reference", "CreateKey, Description, Maximum length of 8192")
def test_a_keys_description_is_not_longer_than_8192(aws: Contract) -> None:
    assert refused(aws.client("kms").create_key, Description="x" * 8193)[0] == "ValidationException"


@source("AWS Key Management Service API Reference", "CreateKey, KeySpec, Valid Values")
def test_a_key_has_one_of_the_specs_that_there_are(aws: Contract) -> None:
    assert refused(aws.client("kms").create_key, KeySpec="RSA_1024")[0] == "ValidationException"


@source("AWS Key Management Service API Reference", "ScheduleKeyDeletion, PendingWindowInDays, Minimum value of 1")
def test_a_key_is_not_deleted_at_once(aws: Contract) -> None:
    arguments = {"KeyId": "00000000-0000-0000-0000-000000000000", "PendingWindowInDays": 0}
    assert refused(lax(aws, "kms").schedule_key_deletion, **arguments)[0] == "ValidationException"


@source("Amazon EventBridge API Reference", "PutEvents, Entries, Maximum number of 10 items")
def test_ten_events_are_put_at_once(aws: Contract) -> None:
    entries = [{"Source": "contract", "DetailType": "x", "Detail": "{}"}] * 11
    assert refused(aws.client("events").put_events, Entries=entries)[0] == "ValidationException"


@source("Amazon EventBridge API Reference", "PutRule, Name, Maximum length of 64")
def test_a_rules_name_is_not_longer_than_64(aws: Contract) -> None:
    arguments = {"Name": "r" * 65, "EventPattern": '{"source": ["contract"]}'}
    assert refused(aws.client("events").put_rule, **arguments)[0] == "ValidationException"


@source("Amazon EventBridge API Reference", "PutRule, State, Valid Values")
def test_a_rule_has_one_of_three_states(aws: Contract) -> None:
    arguments = {"Name": aws.name, "EventPattern": '{"source": ["contract"]}', "State": "PAUSED"}
    assert refused(aws.client("events").put_rule, **arguments)[0] == "ValidationException"


# -- the query protocol --------------------------------------------------------------------------------------------


@source("AWS Security Token Service API Reference", "AssumeRole, DurationSeconds, Minimum value of 900")
def test_credentials_last_a_quarter_of_an_hour_at_least(aws: Contract) -> None:
    arguments = {
        "RoleArn": "arn:aws:iam::123456789012:role/none",
        "RoleSessionName": "contract",
        "DurationSeconds": 899,
    }
    assert refused(lax(aws, "sts").assume_role, **arguments)[0] == "ValidationError"


@source("AWS Security Token Service API Reference", "AssumeRole, RoleSessionName, Pattern")
def test_a_sessions_name_has_no_spaces(aws: Contract) -> None:
    arguments = {"RoleArn": "arn:aws:iam::123456789012:role/none", "RoleSessionName": "a b"}
    assert refused(aws.client("sts").assume_role, **arguments)[0] == "ValidationError"


@source("AWS Identity and Access Management API Reference", "CreateRole, RoleName, Maximum length of 64")
def test_a_roles_name_is_not_longer_than_64(aws: Contract) -> None:
    arguments = {"RoleName": "r" * 65, "AssumeRolePolicyDocument": "{}"}
    assert refused(aws.client("iam").create_role, **arguments)[0] == "ValidationError"


@source("Amazon EC2 Auto Scaling API Reference", "CreateAutoScalingGroup, MinSize, Required: Yes")
def test_a_group_has_a_size(aws: Contract) -> None:
    arguments = {"AutoScalingGroupName": aws.name, "MaxSize": 1}
    assert refused(lax(aws, "autoscaling").create_auto_scaling_group, **arguments)[0] == "ValidationError"


@source("Amazon EC2 Auto Scaling API Reference", "StartInstanceRefresh, Strategy, Valid Values; botocore's model")
def test_a_refresh_has_one_of_the_strategies_that_there_are(aws: Contract) -> None:
    arguments = {"AutoScalingGroupName": aws.name, "Strategy": "Sideways"}
    assert refused(aws.client("autoscaling").start_instance_refresh, **arguments)[0] == "ValidationError"


@source("Elastic Load Balancing API Reference 2015-12-01", "CreateTargetGroup, HealthCheckIntervalSeconds, 5 to 300")
def test_targets_are_asked_every_five_seconds_at_most(aws: Contract) -> None:
    arguments = {"Name": aws.name[:32], "Protocol": "HTTP", "Port": 80, "VpcId": "vpc-0123456789abcdef0"}
    answer = refused(lax(aws, "elbv2").create_target_group, **arguments, HealthCheckIntervalSeconds=4)
    assert answer[0] == "ValidationError"


@source("Amazon EC2 API Reference", "Error codes, InvalidInstanceType")
def test_an_instance_type_that_is_not_there_has_an_error_of_its_own(aws: Contract) -> None:
    with pytest.raises(ClientError, match="InvalidInstanceType"):
        aws.client("ec2").describe_instance_types(InstanceTypes=["t3.smal"])
