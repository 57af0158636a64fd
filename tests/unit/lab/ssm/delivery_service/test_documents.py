"""What is sent to an agent and what it replies, as values."""

from __future__ import annotations

import json

import pytest

from orchestrator.lab.host.machine import Place
from orchestrator.lab.ssm.delivery_service.documents import cancelling, reply_of, sending
from orchestrator.lab.ssm.order import order
from orchestrator.lab.ssm.record import Command

INSTANCE = "i-0123456789abcdef0"


def command(**parameters: list[str]) -> Command:
    asked = {"DocumentName": "AWS-RunShellScript", "InstanceIds": [INSTANCE], "Parameters": parameters}
    return Command("c0ffee", Place("123456789012", "us-east-1"), order(asked), requested=0.0)


def test_a_command_is_named_after_itself_and_its_node() -> None:
    sent = sending(command(commands=["a", "b"], executionTimeout=["60"]), INSTANCE)
    assert sent.message_id == f"aws.ssm.c0ffee.{INSTANCE}"
    assert sent.topic == "aws.ssm.sendCommand"
    told = json.loads(sent.payload)
    assert told["Parameters"] == {"commands": ["a", "b"], "workingDirectory": "", "executionTimeout": "60"}
    assert (told["CommandId"], told["DocumentContent"]["schemaVersion"]) == ("c0ffee", "1.2")


def test_a_cancel_names_the_job_that_it_ends() -> None:
    sent = cancelling("aws.ssm.c0ffee.i", "beef", INSTANCE)
    assert (sent.message_id, sent.topic) == (f"aws.ssm.beef.{INSTANCE}", "aws.ssm.cancelCommand")
    assert json.loads(sent.payload) == {"CancelMessageId": "aws.ssm.c0ffee.i"}


def replied(status: str, **plugin: object) -> str:
    return json.dumps({"documentStatus": status, "runtimeStatus": {"aws:runShellScript": plugin} if plugin else {}})


def test_a_reply_that_it_began_is_no_end() -> None:
    assert reply_of(replied("InProgress")).result is None


@pytest.mark.parametrize(
    ("status", "details"),
    [("Success", "Success"), ("Failed", "Failed"), ("TimedOut", "ExecutionTimedOut"), ("Cancelled", "Cancelled")],
)
def test_an_end_has_its_code_its_streams_and_its_times(status: str, details: str) -> None:
    found = reply_of(
        replied(
            status,
            code=3,
            standardOutput="out",
            standardError="e" * 9000,
            output="both",
            startDateTime="2024-10-21T18:08:11.019Z",
            endDateTime="2024-10-21T18:08:12.019Z",
        )
    )
    assert found.result is not None
    assert (found.result.details, found.result.code, found.result.stdout) == (details, 3, "out")
    # The service cuts standard error once more.
    assert len(found.result.stderr) == 8000
    assert (found.ended or 0) - (found.started or 0) == 1


def test_a_failure_of_which_the_agent_tells_nothing_has_code_1() -> None:
    """An agent that cannot read a message replies so, and one that was restarted over a reboot."""
    found = reply_of(replied("Failed"))
    assert found.result is not None
    assert (found.result.code, found.result.stdout, found.started) == (1, "", None)


def test_a_time_of_the_year_1_is_none() -> None:
    assert reply_of(replied("Failed", code=1, startDateTime="0001-01-01T00:00:00Z")).started is None


@pytest.mark.parametrize("payload", ["[]", "{", '"x"'])
def test_what_is_no_reply_is_refused(payload: str) -> None:
    with pytest.raises((ValueError, TypeError)):
        reply_of(payload)
