"""Systems Manager's Run Command and managed nodes, with AWS's semantics: the actions of the API.

What is asked is checked in `ssm_order`, recorded in `ssm_record`, carried out by `ssm_delivery` in the machines.
"""

from __future__ import annotations

import threading
import time
import uuid
from typing import TYPE_CHECKING, Any, Protocol

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.api.recent_ids import IdKind, RecentId
from orchestrator.lab.host.machine import Place
from orchestrator.lab.ssm import listing as ssm_listing
from orchestrator.lab.ssm import record as ssm_record
from orchestrator.lab.ssm.order import DOCUMENT, Order, order
from orchestrator.lab.ssm.paging import page
from orchestrator.lab.ssm.record import Command, Invocation

if TYPE_CHECKING:
    from orchestrator.lab.api.call import Call
    from orchestrator.lab.api.recent_ids import RecentIds
    from orchestrator.lab.ssm.nodes import ManagedNode

_PAGE = range(1, 50 + 1)
_STEPS = frozenset({ssm_record.PLUGIN, f"0.{ssm_record.PLUGIN}"})


class KnownNodes(Protocol):
    """Where Run Command finds managed nodes."""

    def describe(self, place: Place, body: dict[str, Any]) -> dict[str, Any]:
        """Answer DescribeInstanceInformation. Raises AwsFault."""

    def online(self, place: Place, instance_id: str) -> ManagedNode | None:
        """The node of an instance that is Online."""

    def exists(self, place: Place, instance_id: str) -> bool:
        """Whether the instance is there and not on its way out."""


class CommandDelivery(Protocol):
    """What brings commands to their nodes, and writes what happens there into their records."""

    def send(self, command: Command) -> None:
        """Start carrying a command to its nodes."""

    def cancel(self, command: Command, invocation: Invocation) -> None:
        """End one invocation as soon as possible."""

    def close(self) -> None:
        """Carry nothing any more."""


class RunCommandApi:
    """Every account's and region's commands and nodes. Safe to call from many threads.

    `delay` is about how many seconds a command costs besides its own running time, half of it before the script
    starts and half before its result is seen; 0 for none. `waits`: see Settings.agent_waits.
    """

    ACTIONS: frozenset[str] = frozenset(
        {
            "DescribeInstanceInformation",
            "SendCommand",
            "ListCommands",
            "ListCommandInvocations",
            "GetCommandInvocation",
            "CancelCommand",
        }
    )

    def __init__(self, nodes: KnownNodes, delivery: CommandDelivery, delay: float, recent_ids: RecentIds) -> None:
        self._delay = delay
        self._recent_ids = recent_ids
        self._nodes = nodes
        self._delivery = delivery
        self._commands: dict[str, Command] = {}
        self._lock = threading.Lock()

    def handle(self, call: Call, body: dict[str, Any]) -> dict[str, Any]:
        """The answer to one call (of an action of ACTIONS). Raises AwsFault."""
        place = Place(call.account, call.region)
        match call.action:
            case "DescribeInstanceInformation":
                return self._nodes.describe(place, body)
            case "SendCommand":
                return self._send(place, body)
            case "ListCommands":
                return self._list(place, body)
            case "ListCommandInvocations":
                return self._list_invocations(place, body)
            case "GetCommandInvocation":
                return self._get(place, body)
            case "CancelCommand":
                return self._cancel(place, body)
            case _:
                raise AwsFault("UnknownOperationException", f"Run Command has no action {call.action}.")

    def close(self) -> None:
        """Kill every running script and stop; commands that wait are not run any more."""
        self._delivery.close()

    def _send(self, place: Place, body: dict[str, Any]) -> dict[str, Any]:
        asked = order(body)
        command = Command(str(uuid.uuid4()), place, asked, requested=time.time())
        command.invocations = self._targets(place, asked)
        # What is answered is the command as it is now, before anything happens to it.
        answer = ssm_record.command_json(command, command.requested, self._delay)
        with self._lock:
            self._commands[command.command_id] = command
        self._recent_ids.note(RecentId(IdKind.COMMAND, place.region, command.command_id))
        self._delivery.send(command)
        return {"Command": answer}

    def _targets(self, place: Place, asked: Order) -> list[Invocation]:
        wanted = list(asked.instance_ids)
        wanted += [instance_id for _, values in asked.targets for instance_id in values]
        nodes = {instance_id: self._nodes.online(place, instance_id) for instance_id in wanted}
        offline = [instance_id for instance_id, node in nodes.items() if node is None]
        if offline and asked.instance_ids:
            what = f"Instances [{offline}] not in a valid state for account {place.account}"
            raise AwsFault("InvalidInstanceId", what)
        invocations = []
        for instance_id, node in nodes.items():
            if node is not None:
                _check_stand_in(node)
                invocations.append(Invocation(instance_id, node.machine.hostname))
            elif self._nodes.exists(place, instance_id):
                # Named by a target, the node is not asked for beforehand: the command is sent, and does not arrive.
                invocations.append(Invocation(instance_id, "", ended=time.time(), details="Undeliverable"))
        return invocations

    def _list(self, place: Place, body: dict[str, Any]) -> dict[str, Any]:
        now = time.time()
        wanted = ssm_listing.filters(body, stages=True)
        entries = [
            ssm_record.command_json(command, now, self._delay)
            for command in self._newest_first(place, body)
            if not body.get("InstanceId") or command.invocation(body["InstanceId"]) is not None
        ]
        matching = [entry for entry in entries if wanted(entry)]
        shown, token = page(matching, ssm_listing.command_key, body, sizes=_PAGE, default=50)
        return {"Commands": shown, **token}

    def _list_invocations(self, place: Place, body: dict[str, Any]) -> dict[str, Any]:
        now = time.time()
        wanted = ssm_listing.filters(body, stages=False)
        entries = [
            ssm_record.invocation_json(
                command,
                invocation,
                ssm_record.view_of(command, invocation, now, self._delay),
                details=bool(body.get("Details")),
            )
            for command in self._newest_first(place, body)
            if ssm_record.is_known(command, now, self._delay)
            for invocation in command.invocations
            if body.get("InstanceId") in (None, "", invocation.instance_id)
        ]
        matching = [entry for entry in entries if wanted(entry)]
        shown, token = page(matching, ssm_listing.invocation_key, body, sizes=_PAGE, default=50)
        return {"CommandInvocations": shown, **token}

    def _get(self, place: Place, body: dict[str, Any]) -> dict[str, Any]:
        now = time.time()
        with self._lock:
            command = self._commands.get(str(body.get("CommandId")))
        invocation = None if command is None else command.invocation(str(body.get("InstanceId")))
        if (
            command is None
            or command.place != place
            or invocation is None
            or not ssm_record.is_known(command, now, self._delay)
        ):
            raise AwsFault("InvocationDoesNotExist", "")
        if body.get("PluginName") and body["PluginName"] not in _STEPS:
            raise AwsFault("InvalidPluginName", f"The document {DOCUMENT} has no step {body['PluginName']}.")
        view = ssm_record.view_of(command, invocation, now, self._delay)
        return ssm_record.result_json(command, invocation, view)

    def _cancel(self, place: Place, body: dict[str, Any]) -> dict[str, Any]:
        command = self._command(place, str(body.get("CommandId")))
        given = body.get("InstanceIds") or []
        if len(set(given)) < len(given):
            raise AwsFault("DuplicateInstanceId", "InstanceIds names a managed node twice.")
        for instance_id in given:
            if command.invocation(instance_id) is None:
                raise AwsFault("InvalidInstanceId", f"The command was not sent to {instance_id}.")
        for invocation in command.invocations:
            if not given or invocation.instance_id in given:
                self._delivery.cancel(command, invocation)
        return {}

    def _command(self, place: Place, command_id: str) -> Command:
        with self._lock:
            command = self._commands.get(command_id)
        if command is None or command.place != place:
            raise AwsFault("InvalidCommandId", f"The specified command ID isn't valid: {command_id}")
        return command

    def _newest_first(self, place: Place, body: dict[str, Any]) -> list[Command]:
        if body.get("CommandId"):
            return [self._command(place, body["CommandId"])]
        with self._lock:
            commands = list(self._commands.values())
        return [command for command in reversed(commands) if command.place == place]


def _check_stand_in(node: ManagedNode) -> None:
    """Raise AwsFault for a machine on which the lab can run nothing."""
    if node.facts.foreign:
        what = (
            f"The lab cannot run commands on {node.machine.instance_id}: its unit amazon-ssm-agent is active, but "
            f"does not run the lab's agent, or forbids it sockets of AF_UNIX. It runs: {node.facts.foreign}"
        )
        raise AwsFault("UnsupportedOperation", what)
