"""Session Manager as Packer's way in: what must be there, and that no session stays open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber

from orchestrator.aws.account import Account
from orchestrator.aws.placement import Placement
from orchestrator.aws.session import PROGRAM
from orchestrator.build.session_manager import check, end_sessions
from orchestrator.errors import LackError

if TYPE_CHECKING:
    from pathlib import Path

PLACEMENT = Placement(profile="builder", ssh_interface="session_manager")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def install(programs: Path) -> None:
    (programs / PROGRAM).write_text("#!/bin/sh\n")
    (programs / PROGRAM).chmod(0o755)


@pytest.mark.usefixtures("programs")
def test_the_program_is_needed_where_it_is_used() -> None:
    check(Placement(ssh_interface="private_ip"))
    with pytest.raises(LackError, match="'session-manager-plugin' is not installed") as caught:
        check(PLACEMENT)
    assert "Install the Session Manager plugin" in caught.value.hint


def test_a_profile_is_needed(programs: Path) -> None:
    """Packer refuses to start without one."""
    install(programs)
    check(PLACEMENT)
    with pytest.raises(LackError, match="instance profile"):
        check(Placement(ssh_interface="session_manager"))


def test_open_sessions_of_each_machine_are_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those on a second page. The answers are AWS's by their form; no emulator knows these calls."""
    ssm = boto3.client("ssm", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
    stub = Stubber(ssm)

    def asked(machine: str, **more: str) -> dict[str, Any]:
        return {"State": "Active", "Filters": [{"key": "Target", "value": machine}], **more}

    stub.add_response("describe_sessions", {"Sessions": [{"SessionId": "s-1"}], "NextToken": "t"}, asked("i-1"))
    stub.add_response("terminate_session", {"SessionId": "s-1"}, {"SessionId": "s-1"})
    stub.add_response("describe_sessions", {"Sessions": [{"SessionId": "s-2"}]}, asked("i-1", NextToken="t"))
    stub.add_response("terminate_session", {"SessionId": "s-2"}, {"SessionId": "s-2"})
    stub.add_response("describe_sessions", {"Sessions": []}, asked("i-2"))
    monkeypatch.setattr(Account, "client", lambda *_: ssm)
    with stub:
        assert end_sessions(Account("us-east-1"), ["i-1", "i-2"]) == ("s-1", "s-2")
    stub.assert_no_pending_responses()
