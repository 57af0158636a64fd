"""The nodes that have registered themselves: what agents say of themselves, and which of them are there.

A node is there from its first UpdateInstanceInformation on, and lost when its control channel and its polls have ended
for some seconds, or when it has not called for longer than it calls. AWS takes minutes to notice the first.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from orchestrator.lab.ssm.agent import Facts
from orchestrator.lab.ssm.nodes import ManagedNode, asked_for, described

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.lab.host.machine import LabMachine, MachineAccess, Place

#: Seconds after the end of a poll within which the agent polls again (its own pause: up to 2.5).
_BETWEEN_POLLS = 4.0
#: An agent calls every five minutes (amazon-ssm-agent: HealthFrequencyMinutes).
_BETWEEN_CALLS = 330.0
_LEAVING = ("shutting-down", "terminated")


@dataclass(frozen=True)
class _Registration:
    facts: Facts
    registered: float
    """Epoch seconds, as `seen`."""
    seen: float
    appears: float = 0.0
    """Not listed before, monotonic seconds; a fault in force makes it late."""
    connections: int = 0
    left: float | None = None
    """Monotonic seconds of the end of the last connection; None when none has ended since the last call."""


class Registry:
    """The registered nodes of every region. Safe to use from many threads."""

    def __init__(self, machines: MachineAccess, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._machines = machines
        self._clock = clock
        self._known: dict[str, _Registration] = {}
        self._lock = threading.Lock()

    def update(self, instance_id: str, told: dict[str, Any], *, late: float = 0.0) -> None:
        """An agent has called UpdateInstanceInformation with this body.

        What a short call leaves out stays as it was. `late`: seconds for which a new node is not listed yet.
        """
        now = time.time()
        with self._lock:
            before = self._known.get(instance_id)
            if before is None:
                before = _Registration(Facts("", "Linux", "", "", ""), now, now, self._clock() + late)
            facts = replace(
                before.facts,
                platform_name=told.get("PlatformName") or before.facts.platform_name,
                platform_version=told.get("PlatformVersion") or before.facts.platform_version,
                agent_version=told.get("AgentVersion") or before.facts.agent_version,
                host_name=told.get("ComputerName") or before.facts.host_name,
            )
            self._known[instance_id] = replace(before, facts=facts, seen=now, left=None)

    def connect(self, instance_id: str) -> None:
        """An agent has opened its control channel, or polls."""
        with self._lock:
            if (known := self._known.get(instance_id)) is not None:
                self._known[instance_id] = replace(known, connections=known.connections + 1, seen=time.time())

    def disconnect(self, instance_id: str) -> None:
        """What was told to `connect` has ended."""
        with self._lock:
            if (known := self._known.get(instance_id)) is not None and known.connections:
                left = self._clock() if known.connections == 1 else known.left
                self._known[instance_id] = replace(known, connections=known.connections - 1, left=left)

    def describe(self, place: Place, body: dict[str, Any]) -> dict[str, Any]:
        """Answer DescribeInstanceInformation: every machine of the place whose agent has registered."""
        return described(map(self._look, asked_for(self._machines.machines(place), body)), body)

    def online(self, place: Place, instance_id: str) -> ManagedNode | None:
        """The node of an instance when its agent is there."""
        machine = self._machines.find(place, instance_id)
        node = None if machine is None else self._look(machine)
        return node if node is not None and node.online else None

    def exists(self, place: Place, instance_id: str) -> bool:
        """Whether the instance is there and not on its way out, whatever its agent does."""
        machine = self._machines.find(place, instance_id)
        return machine is not None and machine.state not in _LEAVING

    def _look(self, machine: LabMachine) -> ManagedNode | None:
        with self._lock:
            if machine.state in _LEAVING:
                self._known.pop(machine.instance_id, None)
            known = self._known.get(machine.instance_id)
        if known is None or self._clock() < known.appears:
            return None
        online = machine.state == "running" and self._is_there(known)
        return ManagedNode(machine, known.facts, known.registered, known.seen, self._clock(), online=online)

    def _is_there(self, known: _Registration) -> bool:
        if known.connections:
            return True
        gone = known.left is not None and self._clock() - known.left > _BETWEEN_POLLS
        return not gone and time.time() - known.seen < _BETWEEN_CALLS
