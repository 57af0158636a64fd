"""A pytest plugin of the benches: Testinfra's `host` as anybody uses it, and a backend with a Run Command per question.

The environment says which machine: BENCH_HOST is a JSON object with the arguments of `testinfra.get_host`.
"""

from __future__ import annotations

import base64
import json
import os
import time
from typing import Any

import boto3
import pytest
import testinfra
import testinfra.backend
from testinfra.backend.base import BaseBackend, CommandResult

#: Runs one command and says its exit code and both streams on one line.
_SCRIPT = """\
d=$(mktemp -d)
printf %s '{}' | base64 -d >$d/command
cd /
sh $d/command </dev/null >$d/stdout 2>$d/stderr
printf '%s:%s:%s' $? "$(base64 -w 0 <$d/stdout)" "$(base64 -w 0 <$d/stderr)"
rm -r $d
exit 0
"""
_UNDER_WAY = ("Pending", "InProgress", "Delayed")


class Alone(BaseBackend):  # type: ignore[misc]
    """Each question is a Run Command of its own: sent, and asked for until it has ended."""

    NAME = "alone"

    def __init__(self, hostname: str, *args: Any, endpoint: str, **kwargs: Any) -> None:
        super().__init__(hostname, *args, **kwargs)
        self._encoding = "UTF-8"
        self._instance = hostname
        keys = {"aws_access_key_id": "lab", "aws_secret_access_key": "lab"}
        self._ssm = boto3.client("ssm", region_name="us-east-1", endpoint_url=endpoint, **keys)

    def run(self, command: str, *args: str, **_kwargs: Any) -> CommandResult:
        """Ask, and wait with the pauses that AWS's limits allow."""
        line = self.encode(self.get_command(command, *args))
        script = _SCRIPT.format(base64.b64encode(line).decode())
        sent = self._ssm.send_command(
            InstanceIds=[self._instance], DocumentName="AWS-RunShellScript", Parameters={"commands": [script]}
        )["Command"]["CommandId"]
        code, out, err = self._said(sent).split(":")
        return self.result(int(code), line, base64.b64decode(out), base64.b64decode(err))

    def _said(self, sent: str) -> str:
        pause = 0.3
        while True:
            time.sleep(pause)
            pause = min(pause * 1.4, 1.0)
            try:
                said = self._ssm.get_command_invocation(CommandId=sent, InstanceId=self._instance)
            except self._ssm.exceptions.InvocationDoesNotExist:
                continue
            if said["Status"] not in _UNDER_WAY:
                return str(said["StandardOutputContent"])


@pytest.fixture(scope="session")
def host() -> testinfra.host.Host:
    """The machine."""
    testinfra.backend.BACKENDS[Alone.NAME] = f"{__name__}.Alone"
    return testinfra.get_host(**json.loads(os.environ["BENCH_HOST"]))
