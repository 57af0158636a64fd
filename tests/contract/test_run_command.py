"""What Systems Manager says of Run Command and managed nodes before any machine is reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.source import source

if TYPE_CHECKING:
    from tests.contract.conftest import Contract

API = "AWS Systems Manager API Reference"
#: Of the right form, and nobody's.
NODE, COMMAND = "i-0123456789abcdef0", "00000000-1111-2222-3333-444444444444"


def send(aws: Contract, **changed: Any) -> dict[str, Any]:
    """Send a command to a target that leads to no node; nothing runs anywhere."""
    asked = {
        "DocumentName": "AWS-RunShellScript",
        "Targets": [{"Key": "InstanceIds", "Values": [NODE]}],
        "Parameters": {"commands": ["true"]},
        "Comment": aws.name,
    }
    return dict(aws.client("ssm").send_command(**asked | changed)["Command"])


def refused(aws: Contract, **changed: Any) -> str:
    """The code with which a command is refused."""
    with pytest.raises(ClientError) as caught:
        send(aws, **changed)
    return str(caught.value.response["Error"]["Code"])


@source(API, "SendCommand, Errors: InvalidDocument")
def test_a_document_that_is_not_there_is_refused(aws: Contract) -> None:
    assert refused(aws, DocumentName=aws.name) == "InvalidDocument"


@source(API, "SendCommand, Errors: InvalidDocumentVersion")
def test_a_version_that_a_document_does_not_have_is_refused(aws: Contract) -> None:
    assert refused(aws, DocumentVersion="999999") == "InvalidDocumentVersion"


@source(API, "SendCommand, Errors: InvalidParameters (values for all required parameters)")
def test_the_lines_of_the_script_are_required(aws: Contract) -> None:
    assert refused(aws, Parameters={"workingDirectory": ["/"]}) == "InvalidParameters"


@source(API, "SendCommand, Errors: InvalidParameters (only parameters defined in the SSM document)")
def test_a_parameter_that_the_document_lacks_is_refused(aws: Contract) -> None:
    assert refused(aws, Parameters={"commands": ["true"], "command": ["true"]}) == "InvalidParameters"


@pytest.mark.parametrize("seconds", ["0", "172801", "1h"])
@source("AWS Systems Manager, document AWS-RunShellScript", "executionTimeout, allowedPattern")
def test_a_script_may_run_from_a_second_to_two_days(aws: Contract, seconds: str) -> None:
    assert refused(aws, Parameters={"commands": ["true"], "executionTimeout": [seconds]}) == "InvalidParameters"


@source("AWS Systems Manager, document AWS-RunShellScript", "workingDirectory, type String")
def test_a_parameter_of_type_string_has_one_value(aws: Contract) -> None:
    assert refused(aws, Parameters={"commands": ["true"], "workingDirectory": ["/", "/tmp"]}) == "InvalidParameters"


@source(API, "SendCommand, TimeoutSeconds: Maximum value of 2592000")
def test_delivery_takes_thirty_days_at_most(aws: Contract) -> None:
    assert refused(aws, TimeoutSeconds=2_592_001) == "ValidationException"


@source(API, "SendCommand, Comment: Maximum length of 100")
def test_a_comment_has_a_hundred_characters_at_most(aws: Contract) -> None:
    assert refused(aws, Comment="c" * 101) == "ValidationException"


@pytest.mark.parametrize("many", ["0", "101%", "ten"])
@source(API, "SendCommand, MaxConcurrency: Pattern")
def test_concurrency_is_a_number_or_a_share(aws: Contract, many: str) -> None:
    assert refused(aws, MaxConcurrency=many) == "ValidationException"


@source(API, "SendCommand, InstanceIds: up to 50 IDs")
def test_a_command_names_fifty_nodes_at_most(aws: Contract) -> None:
    nodes = [f"i-{number:017x}" for number in range(51)]
    with pytest.raises(ClientError) as caught:
        aws.client("ssm").send_command(
            DocumentName="AWS-RunShellScript", InstanceIds=nodes, Parameters={"commands": ["true"]}
        )
    assert caught.value.response["Error"]["Code"] == "ValidationException"


@source(API, "SendCommand, Errors: InvalidInstanceId")
def test_a_node_that_has_not_registered_is_refused(aws: Contract) -> None:
    with pytest.raises(ClientError) as caught:
        aws.client("ssm").send_command(
            DocumentName="AWS-RunShellScript", InstanceIds=[NODE], Parameters={"commands": ["true"]}
        )
    assert caught.value.response["Error"]["Code"] == "InvalidInstanceId"


@source(API, "SendCommand, MaxConcurrency and MaxErrors: default values")
def test_a_command_goes_to_fifty_nodes_at_once_and_stops_at_the_first_error(aws: Contract) -> None:
    sent = send(aws)
    assert (sent["MaxConcurrency"], sent["MaxErrors"]) == ("50", "0")


@source(API, "ListCommands, CommandId; Command, Comment and Parameters")
def test_a_command_is_listed_as_it_was_sent(aws: Contract) -> None:
    sent = send(aws, TimeoutSeconds=60)
    (listed,) = aws.client("ssm").list_commands(CommandId=sent["CommandId"])["Commands"]
    assert (listed["Comment"], listed["Parameters"]) == (aws.name, {"commands": ["true"]})
    assert (listed["DocumentName"], listed["TimeoutSeconds"]) == ("AWS-RunShellScript", 60)


@source(API, "GetCommandInvocation, Errors: InvocationDoesNotExist")
def test_an_invocation_that_is_not_there_is_refused(aws: Contract) -> None:
    with pytest.raises(ClientError) as caught:
        aws.client("ssm").get_command_invocation(CommandId=COMMAND, InstanceId=NODE)
    assert caught.value.response["Error"]["Code"] == "InvocationDoesNotExist"


@source(API, "CancelCommand, Errors: InvalidCommandId")
def test_a_command_that_is_not_there_cannot_be_cancelled(aws: Contract) -> None:
    with pytest.raises(ClientError) as caught:
        aws.client("ssm").cancel_command(CommandId=COMMAND)
    assert caught.value.response["Error"]["Code"] == "InvalidCommandId"


@source(API, "DescribeInstanceInformation, Errors: InvalidFilterKey")
def test_nodes_are_not_filtered_by_a_key_that_is_not_there(aws: Contract) -> None:
    with pytest.raises(ClientError) as caught:
        aws.client("ssm").describe_instance_information(Filters=[{"Key": "Colour", "Values": ["red"]}])
    assert caught.value.response["Error"]["Code"] == "InvalidFilterKey"


@source(API, "DescribeInstanceInformation, InstanceInformationFilterList: with Filters it leads to an exception error")
def test_the_two_kinds_of_filters_exclude_each_other(aws: Contract) -> None:
    with pytest.raises(ClientError):
        aws.client("ssm").describe_instance_information(
            Filters=[{"Key": "PingStatus", "Values": ["Online"]}],
            InstanceInformationFilterList=[{"key": "PingStatus", "valueSet": ["Online"]}],
        )


@source(API, "DescribeInstanceInformation, MaxResults: Maximum value of 50")
def test_a_page_has_fifty_nodes_at_most(aws: Contract) -> None:
    with pytest.raises(ClientError) as caught:
        aws.client("ssm").describe_instance_information(MaxResults=51)
    assert caught.value.response["Error"]["Code"] == "ValidationException"


@source(API, "DescribeInstanceInformation: managed nodes")
def test_an_instance_that_has_not_registered_is_not_listed(aws: Contract) -> None:
    asked = [{"Key": "InstanceIds", "Values": [NODE]}]
    assert aws.client("ssm").describe_instance_information(Filters=asked)["InstanceInformationList"] == []
