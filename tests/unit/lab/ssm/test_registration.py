"""What agents call of Systems Manager, before the guard of bad input."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.api.call import Call
from orchestrator.lab.ssm.registration import OWN, AgentRegistration
from orchestrator.lab.ssm.run_command import RunCommandApi
from orchestrator.lab.strict.guard import StrictGuard

if TYPE_CHECKING:
    from orchestrator.lab.api.dispatch import Handler

INSTANCE = "i-0123456789abcdef0"


@pytest.fixture
def ssm() -> Handler:
    """Only what it reads is looked at, so it needs nothing to answer with."""
    commands: Any = object.__new__(RunCommandApi)
    nothing: Any = None
    return AgentRegistration(nothing, nothing, commands)


def asked(guard: StrictGuard, action: str, **body: Any) -> None:
    guard(Call("ssm", "us-east-1", action), json.dumps(body).encode(), {})


def test_what_agents_alone_call_is_let_by(ssm: Handler) -> None:
    """AWS publishes no model of it: a lab without such agents refuses it."""
    asked(
        StrictGuard({"ssm": ssm}, {f"ssm:{action}" for action in OWN}), "UpdateInstanceInformation", InstanceId=INSTANCE
    )
    with pytest.raises(AwsFault, match="UnknownOperationException"):
        asked(StrictGuard({"ssm": ssm}), "UpdateInstanceInformation", InstanceId=INSTANCE)


def test_run_command_honours_behind_it_what_it_honours_alone(ssm: Handler) -> None:
    guard = StrictGuard({"ssm": ssm})
    asked(guard, "SendCommand", DocumentName="AWS-RunShellScript", InstanceIds=[INSTANCE], Comment="c", MaxErrors="1")
    with pytest.raises(AwsFault, match="ServiceRoleArn"):
        asked(guard, "SendCommand", DocumentName="AWS-RunShellScript", ServiceRoleArn="a")
