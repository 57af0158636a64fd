"""How a script reaches a machine: Run Command, or whatever else can run `sh` as root there."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Protocol

from orchestrator.aws import AwsError, error_code
from orchestrator.validate.errors import ConnectionFault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.aws import Account

#: AWS's ready-made document that runs lines under `sh`.
DOCUMENT = "AWS-RunShellScript"
#: Seconds that a command may wait for the agent; 30 is the least that SendCommand takes.
_DELIVERY = 60
#: Seconds for which a machine that just came online may be unknown to Run Command, and a fresh command to its readers.
_SETTLING = 30
_UNKNOWN_MACHINE = frozenset({"InvalidInstanceId", "TargetNotConnected"})
_UNDER_WAY = frozenset({"Pending", "InProgress", "Delayed", "Cancelling"})


class Transport(Protocol):
    """Runs scripts on one machine."""

    def run(self, script: str, seconds: float) -> str:
        """Standard output of a script of at most 48,000 characters that needs at most `seconds` and ends with 0.

        At least 24,000 characters of output are carried, no more need be. Raises ConnectionFault.
        """


class RunCommand:
    """Run Command of AWS Systems Manager, for one instance. Safe to use from several threads."""

    def __init__(self, account: Account, instance_id: str) -> None:
        self.instance_id = instance_id
        self.calls: Counter[str] = Counter()
        self._ssm = account.client("ssm")
        self._counting = threading.Lock()

    def run(self, script: str, seconds: float) -> str:
        """Send, wait, and give standard output; see Transport."""
        try:
            command_id = self._send(script, seconds)
            said = self._awaited(command_id, seconds)
        except AwsError as error:
            raise ConnectionFault(
                f"Run Command failed on {self.instance_id}: {error}", hint="is the machine still running?"
            ) from error
        if said["Status"] != "Success":
            raise ConnectionFault(_why(self.instance_id, said))
        return str(said["StandardOutputContent"])

    def _send(self, script: str, seconds: float) -> str:
        for last in _attempts(_SETTLING):
            try:
                answer = self._call(
                    "send_command",
                    InstanceIds=[self.instance_id],
                    DocumentName=DOCUMENT,
                    TimeoutSeconds=_DELIVERY,
                    Parameters={"commands": [script], "executionTimeout": [str(int(seconds) + 1)]},
                )
                return str(answer["Command"]["CommandId"])
            except AwsError as error:
                if error_code(error) not in _UNKNOWN_MACHINE or last:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _awaited(self, command_id: str, seconds: float) -> dict[str, Any]:
        began = time.monotonic()
        pause = 0.3
        while True:
            time.sleep(pause)
            pause = min(pause * 1.4, 1.0)
            waited = time.monotonic() - began
            try:
                said = self._call("get_command_invocation", CommandId=command_id, InstanceId=self.instance_id)
            except AwsError as error:
                if error_code(error) != "InvocationDoesNotExist" or waited > _SETTLING:
                    raise
                continue
            if said["Status"] not in _UNDER_WAY:
                return said
            if waited > seconds + _DELIVERY + _SETTLING:
                self._call("cancel_command", CommandId=command_id, InstanceIds=[self.instance_id])
                raise ConnectionFault(
                    f"Run Command says nothing of command {command_id} on {self.instance_id} any more"
                )

    def _call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        with self._counting:
            self.calls[operation] += 1
        answer: dict[str, Any] = getattr(self._ssm, operation)(**parameters)
        return answer


def _attempts(seconds: float) -> Iterator[bool]:
    """Attempts with a pause between them; the value says whether it is the last one."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield False
        time.sleep(1)
    yield True


def _why(instance_id: str, said: dict[str, Any]) -> str:
    details = said.get("StatusDetails") or said["Status"]
    meaning = {
        "DeliveryTimedOut": "the agent did not take the command in time",
        "Undeliverable": "the agent could not be reached",
        "Terminated": "the command was ended because others failed",
        "ExecutionTimedOut": "the agent stopped the script",
        "Cancelled": "somebody cancelled the command",
        "AccessDenied": "Systems Manager may not command this machine",
    }.get(str(details), f"the script ended with exit code {said.get('ResponseCode')}")
    complaint = str(said.get("StandardErrorContent", "")).strip()[-500:]
    return f"Run Command on {instance_id}: {meaning} ({details})" + (f": {complaint}" if complaint else "")
