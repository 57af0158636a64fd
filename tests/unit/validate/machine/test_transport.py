"""Run Command's answers as the API reference lists them, played by botocore's stubber."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from botocore.stub import Stubber

from orchestrator.aws.account import Account
from orchestrator.validate.errors import ConnectionFault
from orchestrator.validate.machine.transport import RunCommandTransport
from orchestrator.validate.round import CallCount

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = "11111111-1111-1111-1111-111111111111"
INSTANCE = "i-1234567890abcdef0"


@pytest.fixture
def account() -> Account:
    return Account("us-east-1", endpoint="http://127.0.0.1:1", access_key="key", secret_key="secret")


@pytest.fixture
def stub(account: Account) -> Iterator[Stubber]:
    with Stubber(account.client("ssm", repeats=False)) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def sent(stub: Stubber) -> None:
    wanted = {
        "InstanceIds": [INSTANCE],
        "DocumentName": "AWS-RunShellScript",
        "TimeoutSeconds": 30,
        "Parameters": {"commands": ["true"], "executionTimeout": ["11"]},
    }
    stub.add_response("send_command", {"Command": {"CommandId": COMMAND}}, wanted)


def invocation(stub: Stubber, status: str, **more: Any) -> None:
    stub.add_response("get_command_invocation", {"Status": status, "StandardOutputContent": "", **more})


def test_it_waits_for_the_end(account: Account, stub: Stubber) -> None:
    sent(stub)
    stub.add_client_error("get_command_invocation", "InvocationDoesNotExist")
    invocation(stub, "Pending")
    invocation(stub, "InProgress")
    invocation(stub, "Delayed")
    invocation(stub, "Success", StandardOutputContent="said\n")
    tally, transport = CallCount(), RunCommandTransport(account, INSTANCE, stop=threading.Event())
    assert transport.run("true", 10, tally) == "said\n"
    assert tally.calls == {"send_command": 1, "get_command_invocation": 5}


@pytest.mark.parametrize("code", ["InvalidInstanceId", "TargetNotConnected"])
def test_a_machine_that_just_came_online_may_be_unknown(code: str, account: Account, stub: Stubber) -> None:
    stub.add_client_error("send_command", code)
    sent(stub)
    invocation(stub, "Success")
    assert RunCommandTransport(account, INSTANCE, stop=threading.Event()).run("true", 10, CallCount()) == ""


def test_a_refusal_is_a_fault(account: Account, stub: Stubber) -> None:
    stub.add_client_error("send_command", "AccessDeniedException", "not you")
    with pytest.raises(ConnectionFault, match="not you"):
        RunCommandTransport(account, INSTANCE, stop=threading.Event()).run("true", 10, CallCount())


@pytest.mark.parametrize(
    ("status", "details", "said"),
    [
        ("TimedOut", "DeliveryTimedOut", "did not take the command in time"),
        ("TimedOut", "ExecutionTimedOut", "the agent stopped the script"),
        ("Failed", "Undeliverable", "could not be reached"),
        ("Failed", "Terminated", "because others failed"),
        ("Failed", "AccessDenied", "may not command this machine"),
        ("Failed", "Failed", "exit code 127.*sh: not found"),
        ("Cancelled", "Cancelled", "somebody cancelled"),
    ],
)
def test_every_other_end_is_a_fault(status: str, details: str, said: str, account: Account, stub: Stubber) -> None:
    sent(stub)
    complaint = "sh: not found" if details == "Failed" else ""
    invocation(stub, status, StatusDetails=details, ResponseCode=127, StandardErrorContent=complaint)
    with pytest.raises(ConnectionFault, match=said):
        RunCommandTransport(account, INSTANCE, stop=threading.Event()).run("true", 10, CallCount())
