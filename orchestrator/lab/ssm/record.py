"""Commands and their invocations as records, and what is seen of them at a given moment.

The records say what happened; `view_of` says what AWS would show, which is later by the lab's delay. Names of states
are the API's StatusDetails (API reference, GetCommandInvocation; User Guide, "Understanding command statuses").
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from orchestrator.lab.ssm.order import DOCUMENT, share

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.lab.host.machine import Place
    from orchestrator.lab.ssm.order import Order
    from orchestrator.lab.ssm.output import Result

PLUGIN = "aws:runShellScript"

#: StatusDetails -> Status, where they differ.
_STATUS = {
    "DeliveryTimedOut": "TimedOut",
    "ExecutionTimedOut": "TimedOut",
    "Undeliverable": "Failed",
    "Terminated": "Cancelled",
    "Incomplete": "Failed",
    "NoInstancesInTag": "Success",
}
TERMINAL = frozenset(
    {"Success", "Failed", "Cancelled", "DeliveryTimedOut", "ExecutionTimedOut", "Undeliverable", "Terminated"}
)
_ERRORS = frozenset({"Failed", "ExecutionTimedOut"})

#: Shares of the delay: until the invocation can be asked for, until the agent has it, until its result is back.
_KNOWN, _DELIVERED, _RETURNED = 0.3, 0.5, 0.5


@dataclass
class Invocation:
    """One command on one node."""

    instance_id: str
    host_name: str
    started: float | None = None
    """Epoch seconds."""
    ended: float | None = None
    details: str = "Pending"
    result: Result | None = None
    cancelling: bool = False
    taken: bool = False
    """Whether the agent has it. The agent says so at once, although the command may wait for its turn there."""


@dataclass
class Command:
    """One SendCommand and its invocations, of which there may be none."""

    command_id: str
    place: Place
    order: Order
    requested: float
    """Epoch seconds."""
    invocations: list[Invocation] = field(default_factory=list)
    cancelled: bool = False

    @property
    def delivery_ends(self) -> float:
        """When a script that has not started is not started any more."""
        return self.requested + self.order.delivery_timeout

    @property
    def expires(self) -> float:
        """ExpiresAfter: when whatever has not ended is given up."""
        return self.requested + self.order.delivery_timeout + self.order.execution_timeout

    def invocation(self, instance_id: str) -> Invocation | None:
        """The invocation on a node."""
        return next((found for found in self.invocations if found.instance_id == instance_id), None)


@dataclass(frozen=True)
class InvocationView:
    """What is shown of an invocation at a moment."""

    details: str
    result: Result | None
    started: float | None
    ended: float | None

    @property
    def status(self) -> str:
        """The Status that goes with the details."""
        return status(self.details)


def status(details: str) -> str:
    """The Status of a StatusDetails."""
    return _STATUS.get(details, details)


def delivered(command: Command, delay: float) -> float:
    """When the agent gets the command, epoch seconds."""
    return command.requested + _DELIVERED * delay


def is_known(command: Command, now: float, delay: float) -> bool:
    """Whether the command's invocations can be asked for yet (before: InvocationDoesNotExist)."""
    return now >= command.requested + _KNOWN * delay


def view_of(command: Command, invocation: Invocation, now: float, delay: float) -> InvocationView:
    """What is shown of an invocation at `now`.

    A script whose end never came back (its machine stopped, rebooted by other means than exit code 194, or lost its
    agent) stays InProgress until the command expires, and is DeliveryTimedOut then (API reference, Command:
    ExpiresAfter).
    """
    if invocation.ended is not None and now >= invocation.ended + _RETURNED * delay:
        return InvocationView(invocation.details, invocation.result, invocation.started, invocation.ended)
    if now >= command.expires and invocation.ended is None:
        return InvocationView("DeliveryTimedOut", None, invocation.started, command.expires)
    if invocation.cancelling:
        return InvocationView("Cancelling", None, invocation.started, None)
    waiting = invocation.started is None and not invocation.taken
    return InvocationView("Pending" if waiting else "InProgress", None, invocation.started, None)


def errors(details: Iterable[str]) -> int:
    """How many of these count against MaxErrors."""
    return sum(1 for detail in details if detail in _ERRORS)


def command_details(details: list[str], max_errors: str, *, cancelled: bool = False) -> str:
    """A command's StatusDetails, from those of its invocations."""
    counts = Counter(details)
    if not details:
        return "NoInstancesInTag"
    if not TERMINAL.issuperset(counts):
        waiting = "Pending" if set(counts) == {"Pending"} else "InProgress"
        return "Cancelling" if cancelled else waiting
    allowed = share(max_errors, len(details))
    if errors(details) > allowed:
        return "Failed" if counts["Failed"] else "ExecutionTimedOut"
    if counts["DeliveryTimedOut"] > allowed:
        return "DeliveryTimedOut"
    return _harmless_end(set(counts))


def _harmless_end(details: set[str]) -> str:
    """What a command without too many errors ended with. Undeliverable decides nothing, unless there is no other."""
    if "Cancelled" in details:
        return "Cancelled"
    if details == {"Undeliverable"}:
        return "Undeliverable"
    return "Success" if details - {"Undeliverable"} == {"Success"} else "Incomplete"


def command_json(command: Command, now: float, delay: float) -> dict[str, Any]:
    """A Command of the API."""
    order = command.order
    details = [view_of(command, invocation, now, delay).details for invocation in command.invocations]
    overall = command_details(details, order.max_errors, cancelled=command.cancelled)
    return {
        "CommandId": command.command_id,
        "DocumentName": DOCUMENT,
        "DocumentVersion": order.document_version,
        "Comment": order.comment,
        "ExpiresAfter": command.expires,
        "Parameters": order.parameters,
        "InstanceIds": list(order.instance_ids),
        "Targets": [{"Key": key, "Values": list(values)} for key, values in order.targets],
        "RequestedDateTime": command.requested,
        "Status": status(overall),
        "StatusDetails": overall,
        "OutputS3BucketName": "",
        "OutputS3KeyPrefix": "",
        "MaxConcurrency": order.max_concurrency,
        "MaxErrors": order.max_errors,
        "TargetCount": len(details),
        "CompletedCount": sum(1 for detail in details if detail in TERMINAL),
        "ErrorCount": errors(details),
        "DeliveryTimedOutCount": details.count("DeliveryTimedOut"),
        "ServiceRole": "",
        "NotificationConfig": {"NotificationArn": "", "NotificationEvents": [], "NotificationType": ""},
        "CloudWatchOutputConfig": {"CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": False},
        "TimeoutSeconds": order.delivery_timeout,
    }


def invocation_json(command: Command, invocation: Invocation, view: InvocationView, *, details: bool) -> dict[str, Any]:
    """A CommandInvocation of the API; with its plugin when `details`."""
    return {
        "CommandId": command.command_id,
        "InstanceId": invocation.instance_id,
        "InstanceName": invocation.host_name,
        "Comment": command.order.comment,
        "DocumentName": DOCUMENT,
        "DocumentVersion": command.order.document_version,
        "RequestedDateTime": command.requested,
        "Status": view.status,
        "StatusDetails": view.details,
        "TraceOutput": "",
        "StandardOutputUrl": "",
        "StandardErrorUrl": "",
        "CommandPlugins": [_plugin_json(view)] if details else [],
        "ServiceRole": "",
        "NotificationConfig": {"NotificationArn": "", "NotificationEvents": [], "NotificationType": ""},
        "CloudWatchOutputConfig": {"CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": False},
    }


def _plugin_json(view: InvocationView) -> dict[str, Any]:
    times = {"ResponseStartDateTime": view.started, "ResponseFinishDateTime": view.ended}
    return {
        "Name": PLUGIN,
        # A plugin has no Cancelling of its own.
        "Status": "InProgress" if view.details == "Cancelling" else view.status,
        "StatusDetails": "InProgress" if view.details == "Cancelling" else view.details,
        "ResponseCode": -1 if view.result is None else view.result.code,
        **{name: moment for name, moment in times.items() if moment is not None},
        "Output": "" if view.result is None else view.result.output,
        "StandardOutputUrl": "",
        "StandardErrorUrl": "",
        "OutputS3BucketName": "",
        "OutputS3KeyPrefix": "",
    }


def result_json(command: Command, invocation: Invocation, view: InvocationView) -> dict[str, Any]:
    """The answer of GetCommandInvocation."""
    result = view.result
    elapsed = "" if view.started is None or view.ended is None else f"PT{view.ended - view.started:.3f}S"
    return {
        "CommandId": command.command_id,
        "InstanceId": invocation.instance_id,
        "Comment": command.order.comment,
        "DocumentName": DOCUMENT,
        "DocumentVersion": command.order.document_version,
        "PluginName": PLUGIN,
        "ResponseCode": -1 if result is None else result.code,
        "ExecutionStartDateTime": iso(view.started),
        "ExecutionElapsedTime": elapsed,
        "ExecutionEndDateTime": iso(view.ended),
        "Status": view.status,
        "StatusDetails": view.details,
        "StandardOutputContent": "" if result is None else result.stdout,
        "StandardOutputUrl": "",
        "StandardErrorContent": "" if result is None else result.stderr,
        "StandardErrorUrl": "",
        "CloudWatchOutputConfig": {"CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": False},
    }


def iso(moment: float | None) -> str:
    """Epoch seconds as the service writes them, `2026-11-23T23:55:22.123Z`; an empty string for none."""
    if moment is None:
        return ""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
