"""A session of Systems Manager as the AWS CLI opens it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from orchestrator.aws.account import Account
from orchestrator.aws.session import PROGRAM, check, command, lack
from orchestrator.errors import LackError

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNT = Account("eu-west-1", profile="dev")
SAID = {"SessionId": "s-1", "TokenValue": "canary", "StreamUrl": "wss://x"}


def test_command_when_the_plugin_is_new() -> None:
    """The token stands in a variable: everybody on the machine could read it among the arguments."""
    argv, env = command(SAID, ACCOUNT, "i-1", "1.2.536.0\n", "https://ssm")
    target = '{"Target": "i-1"}'
    variable = "AWS_SSM_START_SESSION_RESPONSE"
    assert argv == [PROGRAM, variable, "eu-west-1", "StartSession", "dev", target, "https://ssm"]
    assert json.loads(env[variable]) == SAID


def test_command_when_the_plugin_is_old() -> None:
    argv, env = command(SAID, ACCOUNT, "i-1", "1.2.463.0", "https://ssm")
    assert json.loads(argv[1]) == SAID
    assert env == {}


def test_check_when_the_plugin_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told before anything is launched, and behind the command of a machine that was kept."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LackError, match=PROGRAM) as raised:
        check()
    assert "Install the Session Manager plugin" in raised.value.hint
    assert PROGRAM in lack()
    (tmp_path / PROGRAM).write_text("#!/bin/sh\n")
    (tmp_path / PROGRAM).chmod(0o755)
    check()
    assert not lack()
