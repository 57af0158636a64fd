"""What is shown of a command at which moment, and what its parts make of the whole."""

from __future__ import annotations

import pytest

from orchestrator.lab.host.machine import Place
from orchestrator.lab.ssm import output as ssm_output
from orchestrator.lab.ssm import record as ssm_record
from orchestrator.lab.ssm.order import order
from orchestrator.lab.ssm.record import Command, Invocation, command_details, view_of

ONE = "i-0123456789abcdef0"
BODY = {"DocumentName": "AWS-RunShellScript", "InstanceIds": [ONE], "Parameters": {"commands": ["true"]}}


@pytest.fixture
def invocation() -> Invocation:
    return Invocation(ONE, "ip-10-88-0-5.ec2.internal")


@pytest.fixture
def command(invocation: Invocation) -> Command:
    asked = order(BODY | {"TimeoutSeconds": 30})
    return Command("5e1f", Place("123456789012", "us-east-1"), asked, 1_000.0, [invocation])


def end(invocation: Invocation) -> None:
    invocation.started, invocation.ended = 1_000.5, 1_002.0
    invocation.result = ssm_output.ended(3, b"out", b"", problem="exit status 3")
    invocation.details = invocation.result.details


def test_an_invocation_cannot_be_asked_for_at_once(command: Command) -> None:
    assert not ssm_record.is_known(command, 1_000.2, delay=1)
    assert ssm_record.is_known(command, 1_000.4, delay=1)
    assert ssm_record.is_known(command, 1_000.0, delay=0)


def test_it_is_pending_then_in_progress_then_what_it_became(command: Command, invocation: Invocation) -> None:
    assert view_of(command, invocation, 1_000.4, 1).status == "Pending"
    invocation.started = 1_000.5
    assert view_of(command, invocation, 1_000.6, 1).status == "InProgress"
    end(invocation)
    assert view_of(command, invocation, 1_002.6, 1).status == "Failed"


def test_what_waits_for_its_turn_at_the_agent_is_in_progress_and_has_not_started(
    command: Command, invocation: Invocation
) -> None:
    """The agent replies that a command is in progress when it takes it on (amazon-ssm-agent, `mgsinteractor.go`)."""
    invocation.taken = True
    view = view_of(command, invocation, 1_000.4, 1)
    assert (view.status, view.started) == ("InProgress", None)


def test_a_result_is_not_seen_before_it_is_back(command: Command, invocation: Invocation) -> None:
    """No output, no exit code and no end date while the delay lasts."""
    end(invocation)
    early = ssm_record.result_json(command, invocation, view_of(command, invocation, 1_002.4, 1))
    assert (early["Status"], early["ResponseCode"], early["StandardOutputContent"]) == ("InProgress", -1, "")
    assert early["StandardErrorContent"] == early["ExecutionEndDateTime"] == early["ExecutionElapsedTime"] == ""
    assert early["ExecutionStartDateTime"] == "1970-01-01T00:16:40.500Z"
    late = ssm_record.result_json(command, invocation, view_of(command, invocation, 1_002.5, 1))
    assert (late["ResponseCode"], late["StandardOutputContent"]) == (3, "out")
    assert (late["ExecutionElapsedTime"], late["ExecutionEndDateTime"]) == ("PT1.500S", "1970-01-01T00:16:42.000Z")


def test_what_never_came_back_is_given_up_when_the_command_expires(command: Command, invocation: Invocation) -> None:
    invocation.started = 1_000.5
    assert view_of(command, invocation, 1_000 + 3_629, 0).status == "InProgress"
    given_up = view_of(command, invocation, 1_000 + 3_630, 0)
    assert (given_up.status, given_up.details) == ("TimedOut", "DeliveryTimedOut")


def test_a_cancelled_script_is_cancelling_until_it_has_ended(command: Command, invocation: Invocation) -> None:
    invocation.started, invocation.cancelling = 1_000.5, True
    view = view_of(command, invocation, 1_001, 0)
    assert view.status == "Cancelling"
    entry = ssm_record.invocation_json(command, invocation, view, details=True)
    assert entry["CommandPlugins"][0]["Status"] == "InProgress"


def test_the_plugin_comes_with_details_only(command: Command, invocation: Invocation) -> None:
    end(invocation)
    view = view_of(command, invocation, 1_002, 0)
    assert ssm_record.invocation_json(command, invocation, view, details=False)["CommandPlugins"] == []
    (plugin,) = ssm_record.invocation_json(command, invocation, view, details=True)["CommandPlugins"]
    assert (plugin["Name"], plugin["Status"], plugin["ResponseCode"]) == ("aws:runShellScript", "Failed", 3)
    assert plugin["Output"] == "out\n----------ERROR-------\nfailed to run commands: exit status 3"


@pytest.mark.parametrize(
    ("parts", "max_errors", "whole"),
    [
        ([], "0", "NoInstancesInTag"),
        (["Pending", "Pending"], "0", "Pending"),
        (["Pending", "InProgress"], "0", "InProgress"),
        (["Pending", "Success"], "0", "InProgress"),
        (["Success", "Success"], "0", "Success"),
        (["Success", "Failed"], "0", "Failed"),
        (["Success", "Failed"], "1", "Incomplete"),
        (["Success", "Failed"], "50%", "Incomplete"),
        (["Success", "ExecutionTimedOut"], "0", "ExecutionTimedOut"),
        (["Success", "DeliveryTimedOut"], "0", "DeliveryTimedOut"),
        (["Success", "DeliveryTimedOut"], "1", "Incomplete"),
        (["Success", "Undeliverable"], "0", "Success"),
        (["Undeliverable"], "0", "Undeliverable"),
        (["Success", "Cancelled"], "0", "Cancelled"),
        (["Failed", "Terminated"], "0", "Failed"),
    ],
)
def test_the_parts_make_the_whole(parts: list[str], max_errors: str, whole: str) -> None:
    assert command_details(parts, max_errors) == whole


def test_a_command_is_cancelling_until_all_its_parts_have_ended() -> None:
    assert command_details(["Cancelling", "Success"], "0", cancelled=True) == "Cancelling"


def test_details_map_to_the_statuses_that_the_api_knows() -> None:
    known = {"Pending", "InProgress", "Success", "Cancelled", "Failed", "TimedOut", "Cancelling"}
    details = [*ssm_record.TERMINAL, "Pending", "InProgress", "Cancelling", "Incomplete", "NoInstancesInTag"]
    assert {ssm_record.status(detail) for detail in details} == known
