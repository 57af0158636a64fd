"""How a script reaches a machine: Run Command, or whatever else can run `sh` as root there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol

from orchestrator.aws.account import AwsError, error_code, told
from orchestrator.aws.retries import is_passing
from orchestrator.polling import attempts, steady
from orchestrator.validate.errors import ConnectionFault, CorruptResponse, NoResponse
from orchestrator.validate.machine.instance_loss import is_gone
from orchestrator.validate.machine.slots import CommandSlots
from orchestrator.validate.machine.systems_manager import STOPPED, SystemsManager

if TYPE_CHECKING:
    import threading

    from orchestrator.aws.account import Account
    from orchestrator.validate.round import CallCount

#: AWS's ready-made document that runs lines under `sh`.
DOCUMENT = "AWS-RunShellScript"
#: Seconds that a command may wait for the agent; 30 is the least that SendCommand takes.
_DELIVERY = 30
#: Seconds for which a machine that just came online may be unknown to Run Command, and a fresh command to its readers.
_SETTLING = 30
_UNKNOWN_MACHINE = frozenset({"InvalidInstanceId", "TargetNotConnected"})
_UNDER_WAY = frozenset({"Pending", "InProgress", "Delayed", "Cancelling"})
#: Ends after which the script may have run, or not, and another may well do better (AWS Systems Manager User Guide,
#: "Understanding command statuses").
_PASSING = frozenset({"DeliveryTimedOut", "ExecutionTimedOut", "Undeliverable", "Cancelled"})

#: Seconds between two looks: the first, and the longest of a short and of a long command.
_FIRST, _LONGEST, _LONGEST_LATER = 0.3, 1.0, 2.0
#: Seconds after which a command is a long one.
_LATER = 5.0
#: Seconds after which a silent command makes one ask whether its machine is there, and again after as many.
_DOUBT = 10.0
#: Of the time that the last commands took, the share that is let go by before the first look.
_SURE = 0.9


class Transport(Protocol):
    """Runs scripts on one machine. Safe to use from several threads.

    `longest_script` and `longest_output` are what it carries, in characters.
    """

    longest_script: int
    longest_output: int

    def run(self, script: str, seconds: float, tally: CallCount) -> str:
        """Standard output of a script that needs at most `seconds` and ends with 0.

        Raises NoResponse, CorruptResponse, another ConnectionFault when the machine will never answer, and Interrupted.
        """


class RunCommandTransport:
    """Run Command of AWS Systems Manager, for one instance. `stop`, once set, ends every wait with Interrupted."""

    #: Documents and parameters may have 64 KB; scripts stay well below that.
    longest_script = 48_000
    #: What GetCommandInvocation carries of standard output (AWS Systems Manager API Reference).
    longest_output = 24_000

    def __init__(self, account: Account, instance_id: str, *, stop: threading.Event) -> None:
        self.instance_id = instance_id
        self._account = account
        self._ssm = SystemsManager(account, stop)
        self._stop = stop
        self._slots = CommandSlots()
        self._took: list[float] = []

    def run(self, script: str, seconds: float, tally: CallCount) -> str:
        """Send, wait, and give standard output; see Transport. No more at once than the machine's agent takes."""
        with self._slots.one(self._stop):
            return self._run(script, seconds, tally)

    def _run(self, script: str, seconds: float, tally: CallCount) -> str:
        try:
            command_id = self._send(script, seconds, tally)
            said = self._awaited(command_id, seconds, tally)
        except AwsError as error:
            kind = NoResponse if is_passing(error) or error_code(error) in _UNKNOWN_MACHINE else ConnectionFault
            raise kind(
                f"Run Command failed on {self.instance_id}: {told(error)}", hint="is the machine still running?"
            ) from error
        if said["Status"] != "Success":
            raise _fault(self.instance_id, said)
        return str(said["StandardOutputContent"])

    def _send(self, script: str, seconds: float, tally: CallCount) -> str:
        for attempt in attempts(steady(1.0), within=_SETTLING, stop=self._stop, stopped=STOPPED):
            try:
                answer = self._ssm.call(
                    "send_command",
                    tally,
                    doubtful=lambda: self._slots.doubt(seconds),
                    InstanceIds=[self.instance_id],
                    DocumentName=DOCUMENT,
                    TimeoutSeconds=_DELIVERY,
                    Parameters={"commands": [script], "executionTimeout": [str(int(seconds) + 1)]},
                )
                return str(answer["Command"]["CommandId"])
            except AwsError as error:
                if error_code(error) not in _UNKNOWN_MACHINE or attempt.last:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _awaited(self, command_id: str, seconds: float, tally: CallCount) -> dict[str, Any]:
        # Not `polling.attempts`: the pauses follow from what earlier commands took, and several deadlines run at once.
        began = time.monotonic()
        # As long as the quickest of the last commands took, there is nothing to be seen.
        self._ssm.wait(max(_FIRST, min(_SURE * min(self._took, default=0), _LONGEST_LATER)))
        pause, doubt = _FIRST, _DOUBT
        while True:
            waited = time.monotonic() - began
            try:
                said = self._ssm.call(
                    "get_command_invocation", tally, CommandId=command_id, InstanceId=self.instance_id
                )
            except AwsError as error:
                if error_code(error) != "InvocationDoesNotExist":
                    self._slots.doubt(seconds)
                    raise
                if waited > _SETTLING:
                    raise NoResponse(f"Run Command does not know of command {command_id} that it took") from error
            else:
                if said["Status"] not in _UNDER_WAY:
                    self._took = [*self._took[-3:], waited]
                    return said
                if waited > doubt:
                    doubt += _DOUBT
                    if is_gone(self._account, self.instance_id):
                        raise NoResponse(f"{self.instance_id} does not run any more")
                if waited > seconds + _DELIVERY:
                    raise self._given_up(command_id, tally)
            self._ssm.wait(pause)
            pause = min(pause * 1.4, _LONGEST if waited < _LATER else _LONGEST_LATER)

    def _given_up(self, command_id: str, tally: CallCount) -> NoResponse:
        """Nothing is heard of a command any more: it need not begin."""
        why = f"Run Command says nothing of command {command_id} on {self.instance_id} any more"
        try:
            self._ssm.call("cancel_command", tally, CommandId=command_id, InstanceIds=[self.instance_id])
        except AwsError as error:
            why += f" ({told(error)})"
        return NoResponse(why)


#: A failure of which the agent says nothing: it comes from the agent, and not from a script of ours, which ends with 0.
_SAYS_NOTHING = (
    "the agent could not run the script and does not say why. Is there room below /var/lib/amazon/ssm, and does the "
    "unit amazon-ssm-agent let it write there (ProtectSystem, ReadOnlyPaths)? Or did the machine reboot?"
)


def _fault(instance_id: str, said: dict[str, Any]) -> ConnectionFault:
    details = str(said.get("StatusDetails") or said["Status"])
    meaning = {
        "DeliveryTimedOut": "the agent did not take the command in time",
        "Undeliverable": "the agent could not be reached",
        "Terminated": "the command was ended because others failed",
        "ExecutionTimedOut": "the agent stopped the script",
        "Cancelled": "somebody cancelled the command",
        "AccessDenied": "Systems Manager may not command this machine",
    }.get(details, f"the script ended with exit code {said.get('ResponseCode')}")
    complaint = str(said.get("StandardErrorContent", "")).strip()[-500:]
    text = f"Run Command on {instance_id}: {meaning} ({details})" + (f": {complaint}" if complaint else "")
    if details == "Failed" and said.get("ResponseCode") == 1 and not complaint:
        text = f"Run Command on {instance_id}: {_SAYS_NOTHING}"
    if details in _PASSING:
        return NoResponse(text)
    return CorruptResponse(text) if details == "Failed" else ConnectionFault(text)
