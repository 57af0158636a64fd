"""How commands reach their nodes and end there: five at a time on each node, in order, MaxConcurrency nodes at once."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from orchestrator.lab import ssm_agent, ssm_output, ssm_record
from orchestrator.lab.ssm_agent import Script
from orchestrator.lab.ssm_order import share

if TYPE_CHECKING:
    from orchestrator.lab.ssm_nodes import Node, Nodes
    from orchestrator.lab.ssm_output import Result
    from orchestrator.lab.ssm_record import Command, Invocation

LOG = logging.getLogger(__name__)

#: amazon-ssm-agent: CommandWorkersLimit.
WORKERS = 5
#: amazon-ssm-agent: CommandRetryLimit; how often a script may ask for a reboot (exit code 194).
_RUNS = 15
_POLL_SECONDS = 0.5

_Key = tuple[str, str]
_Job = tuple["Command", "Invocation"]


class Delivery:
    """Carries commands out in threads of its own and writes what happens into their records."""

    def __init__(self, nodes: Nodes, delay: float) -> None:
        self._nodes = nodes
        self._delay = delay
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._unsent: dict[str, deque[Invocation]] = {}
        self._queues: dict[_Key, deque[_Job]] = {}
        self._workers: dict[_Key, list[threading.Thread]] = {}
        self._scripts: dict[_Key, Script] = {}

    def send(self, command: Command) -> None:
        """Start carrying a command to its nodes."""
        waiting = deque(invocation for invocation in command.invocations if invocation.ended is None)
        with self._lock:
            self._unsent[command.command_id] = waiting
        for _ in range(share(command.order.max_concurrency, len(waiting))):
            self._send_next(command)

    def cancel(self, command: Command, invocation: Invocation) -> None:
        """End one invocation: at once when it has not started, else as soon as its script is killed."""
        with self._lock:
            if invocation.ended is not None:
                return
            command.cancelled = True
            invocation.cancelling = True
            script = self._scripts.get((command.command_id, invocation.instance_id))
            if invocation.started is None:
                _end(invocation, "Cancelled")
        if script is not None:
            script.cancel()

    def close(self) -> None:
        """Kill what runs and wait until it has ended; start nothing any more."""
        self._closing.set()
        with self._lock:
            scripts = list(self._scripts.values())
            workers = [worker for workers in self._workers.values() for worker in workers]
        for script in scripts:
            script.cancel()
        for worker in workers:
            worker.join()

    def _send_next(self, command: Command) -> None:
        """Hand the command's next unsent invocation to its node, or end the unsent ones when too many have failed."""
        with self._lock:
            unsent = self._unsent.get(command.command_id)
            if not unsent or self._closing.is_set():
                self._unsent.pop(command.command_id, None)
                return
            details = [invocation.details for invocation in command.invocations]
            if ssm_record.errors(details) > share(command.order.max_errors, len(details)):
                for invocation in unsent:
                    _end(invocation, "Terminated")
                unsent.clear()
                return
            invocation = unsent.popleft()
            self._queue((command.region, invocation.instance_id), (command, invocation))

    def _queue(self, node: _Key, job: _Job) -> None:
        self._queues.setdefault(node, deque()).append(job)
        workers = self._workers.setdefault(node, [])
        if len(workers) < WORKERS:
            name = f"run-command {node[1]}"
            workers.append(threading.Thread(target=self._work, args=(node,), name=name, daemon=True))
            workers[-1].start()

    def _work(self, node: _Key) -> None:
        while True:
            with self._lock:
                queue = self._queues.get(node)
                if not queue or self._closing.is_set():
                    self._workers[node].remove(threading.current_thread())
                    return
                command, invocation = queue.popleft()
            try:
                self._carry(command, invocation)
            except Exception:
                LOG.exception("command %s on %s", command.command_id, invocation.instance_id)
            self._send_next(command)

    def _carry(self, command: Command, invocation: Invocation) -> None:
        self._closing.wait(max(0, ssm_record.delivered(command, self._delay) - time.time()))
        node = self._reach(command, invocation)
        if node is None:
            return
        key = (command.command_id, invocation.instance_id)
        script = Script(node.machine, command.order, command.command_id)
        with self._lock:
            if invocation.ended is not None or self._closing.is_set():
                return
            self._scripts[key] = script
            invocation.started = time.time()
        try:
            result = self._run(command, script, node)
        finally:
            with self._lock:
                del self._scripts[key]
        if result is not None:
            with self._lock:
                _end(invocation, result.details, result)

    def _reach(self, command: Command, invocation: Invocation) -> Node | None:
        """The node once its agent answers; None when the invocation has ended before, or will not reach it."""
        while invocation.ended is None and not self._closing.is_set():
            if time.time() >= command.delivery_ends:
                self._give_up(invocation, "DeliveryTimedOut")
                break
            node = self._nodes.online(command.region, invocation.instance_id)
            if node is not None:
                return node
            if not self._nodes.exists(command.region, invocation.instance_id):
                self._give_up(invocation, "Undeliverable")
                break
            self._closing.wait(_POLL_SECONDS)
        return None

    def _give_up(self, invocation: Invocation, details: str) -> None:
        with self._lock:
            if invocation.ended is None:
                _end(invocation, details)

    def _run(self, command: Command, script: Script, node: Node) -> Result | None:
        """Run the script to its last end, over the reboots that it asks for. None: its end will never be known."""
        found: Node | None = node
        result = None
        for _ in range(_RUNS):
            if found is None:
                return None
            result = script.run(found.facts)
            if result is None or result.code != ssm_output.REBOOT:
                break
            ssm_agent.reboot(found.machine)
            self._nodes.forget_answer(found.machine)
            found = self._answering(command, found, restarted=True)
        # The agent reports the end, so an agent that was stopped meanwhile reports it when it runs again.
        return result if result is None or self._answering(command, node, restarted=False) else None

    def _answering(self, command: Command, before: Node, *, restarted: bool) -> Node | None:
        """The node when its agent answers; `restarted`: when that is another start of the agent than before."""
        while not self._closing.is_set() and time.time() < command.expires:
            node = self._nodes.online(command.region, before.machine.instance_id)
            if node is not None and not (restarted and node.facts.environment == before.facts.environment):
                return node
            if not self._nodes.exists(command.region, before.machine.instance_id):
                return None
            self._closing.wait(_POLL_SECONDS)
        return None


def _end(invocation: Invocation, details: str, result: Result | None = None) -> None:
    invocation.details = details
    invocation.result = result
    invocation.ended = time.time()
