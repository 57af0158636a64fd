"""A session of Systems Manager at this terminal, as `aws ssm start-session` opens one: StartSession, and the plugin."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING

from orchestrator.errors import LackError
from orchestrator.process import run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.aws.account import Account

PROGRAM = "session-manager-plugin"
INSTALL = 'AWS Systems Manager User Guide, "Install the Session Manager plugin for the AWS CLI"'
#: The variable in which the plugin takes what StartSession answered, which holds a token, and its first version that
#: does (AWS CLI, `awscli/customizations/sessionmanager.py`). Older ones take it as an argument.
_VARIABLE = "AWS_SSM_START_SESSION_RESPONSE"
_TAKES_VARIABLE = (1, 2, 497)


def lack() -> str:
    """What to say behind a command that opens a session when the plugin is missing; else nothing."""
    return "" if shutil.which(PROGRAM) else f" (needs '{PROGRAM}', which is not installed: {INSTALL})"


def check() -> None:
    """Raise LackError without the plugin."""
    if shutil.which(PROGRAM) is None:
        raise LackError(f"the program '{PROGRAM}' is not installed: a session needs it", hint=INSTALL)


def start(account: Account, instance_id: str) -> tuple[list[str], dict[str, str]]:
    """Begin a session: the program that shows it, and its environment. Raises LackError and AwsError."""
    check()
    version = run([PROGRAM, "--version"], check=False).out
    ssm = account.client("ssm")
    answer = ssm.start_session(Target=instance_id)
    said = {"SessionId": answer["SessionId"], "TokenValue": answer["TokenValue"], "StreamUrl": answer["StreamUrl"]}
    return command(said, account, instance_id, version, str(ssm.meta.endpoint_url))


def command(
    said: Mapping[str, str], account: Account, instance_id: str, version: str, endpoint: str
) -> tuple[list[str], dict[str, str]]:
    """The plugin's arguments and environment for what StartSession `said`; `version` is the plugin's (`1.2.536.0`)."""
    numbers = tuple(map(int, re.findall(r"\d+", version)[:3]))
    text = json.dumps(said)
    first, env = (_VARIABLE, {_VARIABLE: text}) if numbers >= _TAKES_VARIABLE else (text, {})
    target = json.dumps({"Target": instance_id})
    return [PROGRAM, first, account.region, "StartSession", account.profile, target, endpoint], env
