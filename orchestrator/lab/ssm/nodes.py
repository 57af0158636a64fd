"""Managed nodes: which machines Systems Manager knows, and what DescribeInstanceInformation says of them.

A machine is a node once it was Online: running, launched with an instance profile, its agent's unit active. One that no
longer answers is ConnectionLost; AWS takes minutes to notice that, the lab a second or two.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.ssm import agent as ssm_agent
from orchestrator.lab.ssm.paging import page

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.lab.host.machine import LabMachine, MachineAccess, Place
    from orchestrator.lab.ssm.agent import Facts

#: Seconds for which a probe's answer holds.
_FRESH_ONLINE = 2.0
_FRESH_OFFLINE = 0.5
_PROBES_AT_ONCE = 4

_PAGE = range(5, 50 + 1)
_FILTERS = {
    "InstanceIds": "InstanceId",
    "PingStatus": "PingStatus",
    "PlatformTypes": "PlatformType",
    "AgentVersion": "AgentVersion",
    "ResourceType": "ResourceType",
}


@dataclass(frozen=True)
class ManagedNode:
    """A machine whose agent has answered at least once since the machine was made."""

    machine: LabMachine
    facts: Facts
    registered: float
    """Epoch seconds of the first answer."""
    seen: float
    """Epoch seconds of the last answer."""
    probed: float
    """Monotonic seconds of the last question."""
    online: bool

    def as_json(self) -> dict[str, Any]:
        """An entry of DescribeInstanceInformation (AWS Systems Manager API Reference, "InstanceInformation")."""
        return {
            "InstanceId": self.machine.instance_id,
            "PingStatus": "Online" if self.online else "ConnectionLost",
            "LastPingDateTime": self.seen,
            "RegistrationDate": self.registered,
            **({"AgentVersion": self.facts.agent_version} if self.facts.agent_version else {}),
            "IsLatestVersion": True,
            "PlatformType": "Linux",
            "PlatformName": self.facts.platform_name,
            "PlatformVersion": self.facts.platform_version,
            "ResourceType": "EC2Instance",
            "IPAddress": self.machine.private_ip,
            "ComputerName": self.facts.host_name or self.machine.hostname,
            "SourceId": self.machine.instance_id,
            "SourceType": "AWS::EC2::Instance",
        }


class Nodes:
    """The nodes of every account and region, as last seen."""

    def __init__(self, machines: MachineAccess) -> None:
        self._machines = machines
        self._known: dict[tuple[str, str], ManagedNode] = {}
        self._silent: dict[tuple[str, str], float] = {}
        self._probing: dict[tuple[str, str], threading.Lock] = {}
        self._lock = threading.Lock()

    def describe(self, place: Place, body: dict[str, Any]) -> dict[str, Any]:
        """Answer DescribeInstanceInformation: every machine of the place whose agent has registered."""
        asked = asked_for(self._machines.machines(place), body)
        with ThreadPoolExecutor(_PROBES_AT_ONCE) as pool:
            nodes = list(pool.map(self.look, asked))
        return described(nodes, body)

    def online(self, place: Place, instance_id: str) -> ManagedNode | None:
        """The node of an instance when its agent answers now (or did, a moment ago)."""
        machine = self._machines.find(place, instance_id)
        node = None if machine is None else self.look(machine)
        return node if node is not None and node.online else None

    def exists(self, place: Place, instance_id: str) -> bool:
        """Whether the instance is there and not on its way out, whatever its agent does."""
        machine = self._machines.find(place, instance_id)
        return machine is not None and machine.state not in ("shutting-down", "terminated")

    def forget_answer(self, machine: LabMachine) -> None:
        """Ask the machine anew the next time: it is about to reboot."""
        with self._lock:
            node = self._known.get((machine.region, machine.instance_id))
            if node is not None:
                self._known[machine.region, machine.instance_id] = _older(node)

    def look(self, machine: LabMachine) -> ManagedNode | None:
        """What is known of a machine, asking it when the last answer is old. None: it never was Online."""
        key = (machine.region, machine.instance_id)
        if machine.state in ("shutting-down", "terminated"):
            with self._lock:
                self._known.pop(key, None)
            return None
        with self._lock:
            one_at_a_time = self._probing.setdefault(key, threading.Lock())
        with one_at_a_time:
            if not self._fresh(key):
                self._remember(machine, ssm_agent.probe(machine) if _may_answer(machine) else None)
        with self._lock:
            return self._known.get(key)

    def _fresh(self, key: tuple[str, str]) -> bool:
        now = time.monotonic()
        with self._lock:
            node = self._known.get(key)
            if node is not None:
                return now - node.probed < (_FRESH_ONLINE if node.online else _FRESH_OFFLINE)
            return now - self._silent.get(key, float("-inf")) < _FRESH_OFFLINE

    def _remember(self, machine: LabMachine, facts: Facts | None) -> None:
        key, now = (machine.region, machine.instance_id), time.time()
        with self._lock:
            before = self._known.get(key)
            if facts is not None:
                registered = now if before is None else before.registered
                self._known[key] = ManagedNode(machine, facts, registered, now, time.monotonic(), online=True)
            elif before is not None:
                lost = ManagedNode(
                    machine, before.facts, before.registered, before.seen, time.monotonic(), online=False
                )
                self._known[key] = lost
            else:
                self._silent[key] = time.monotonic()


def _may_answer(machine: LabMachine) -> bool:
    return machine.state == "running" and machine.profiled


def _older(node: ManagedNode) -> ManagedNode:
    return ManagedNode(node.machine, node.facts, node.registered, node.seen, float("-inf"), online=node.online)


def asked_for(machines: list[LabMachine], body: dict[str, Any]) -> list[LabMachine]:
    """The machines that the filters by id of DescribeInstanceInformation leave. Raises AwsFault."""
    ids = [values for key, values in filters(body) if key == "InstanceId"]
    return [machine for machine in machines if all(machine.instance_id in values for values in ids)]


def described(nodes: Iterable[ManagedNode | None], body: dict[str, Any]) -> dict[str, Any]:
    """The answer of DescribeInstanceInformation, when these are the nodes. Raises AwsFault."""
    wanted = filters(body)
    entries = [node.as_json() for node in nodes if node is not None]
    matching = [entry for entry in entries if all(str(entry.get(key)) in values for key, values in wanted)]
    shown, token = page(sorted(matching, key=_instance_id), _instance_id, body, sizes=_PAGE, default=10)
    return {"InstanceInformationList": shown, **token}


def _instance_id(entry: dict[str, Any]) -> str:
    return str(entry["InstanceId"])


def filters(body: dict[str, Any]) -> list[tuple[str, frozenset[str]]]:
    """The (field, allowed values) pairs of either kind of filter list. Raises AwsFault for what cannot be asked."""
    new, old = body.get("Filters") or [], body.get("InstanceInformationFilterList") or []
    if new and old:
        raise AwsFault("ValidationException", "Filters and InstanceInformationFilterList cannot be given together.")
    pairs = [(entry.get("Key"), entry.get("Values")) for entry in new]
    pairs += [(entry.get("key"), entry.get("valueSet")) for entry in old]
    for key, values in pairs:
        if key not in _FILTERS:
            raise AwsFault("InvalidFilterKey", f"The specified key isn't valid: {key}")
        if not values or not all(isinstance(value, str) and value for value in values):
            raise AwsFault("InvalidInstanceInformationFilterValue", f"The filter {key} needs values.")
    return [(_FILTERS[key], frozenset(values)) for key, values in pairs]
