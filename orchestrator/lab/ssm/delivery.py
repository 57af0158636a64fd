"""How commands reach their nodes and end there: MaxConcurrency nodes at once, on each as many as its agent takes on."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from typing import TYPE_CHECKING

from orchestrator.lab.ssm import agent as ssm_agent
from orchestrator.lab.ssm import output as ssm_output
from orchestrator.lab.ssm import record as ssm_record
from orchestrator.lab.ssm.agent import NotTaken, Script
from orchestrator.lab.ssm.spread import Spread, end
from orchestrator.lab.ssm.workers import Workers

if TYPE_CHECKING:
    from orchestrator.lab.host.machine import Place
    from orchestrator.lab.ssm.nodes import ManagedNode, Nodes
    from orchestrator.lab.ssm.output import Result
    from orchestrator.lab.ssm.record import Command, Invocation
    from orchestrator.lab.ssm.workers import Ticket

LOG = logging.getLogger(__name__)

#: amazon-ssm-agent: CommandRetryLimit; how often a script may ask for a reboot (exit code 194).
_RUNS = 15
_POLL_SECONDS = 0.5
#: Seconds after which a command is sent again that an agent has refused. AWS names no number.
_AGAIN_SECONDS = 2.0
#: The agent's own waits, seconds: before the reboot that a script asks for (`shutdown -r +1`), and from its start until
#: it reports the commands that its last life left unfinished.
_BEFORE_REBOOT, _BEFORE_REPORT = 60, 60

#: A command's and an instance's id.
_Key = tuple[str, str]


class Delivery:
    """Carries commands out in threads of its own and writes what happens into their records.

    `waits` scales the agent's own waits: see Settings.agent_waits.
    """

    def __init__(self, nodes: Nodes, delay: float, waits: float) -> None:
        self._nodes = nodes
        self._delay = delay
        self._waits = waits
        self._lock = threading.Lock()
        self._spread = Spread(self._carry, self._lock)
        self._workers: defaultdict[tuple[Place, str], Workers] = defaultdict(Workers)
        self._taken: set[_Key] = set()
        self._scripts: dict[_Key, Script] = {}

    def send(self, command: Command) -> None:
        """Start carrying a command to its nodes."""
        self._spread.send(command)

    def cancel(self, command: Command, invocation: Invocation) -> None:
        """End one invocation: at once when no agent has it, else as soon as its script is killed.

        One that waits at the agent is not run any more, and the agent does not say so.
        """
        with self._lock:
            if invocation.ended is not None:
                return
            command.cancelled = True
            invocation.cancelling = True
            key = (command.command_id, invocation.instance_id)
            script = self._scripts.get(key)
            if key not in self._taken:
                end(invocation, "Cancelled")
        if script is not None:
            script.cancel()

    def close(self) -> None:
        """Kill what runs and wait until it has ended; start nothing any more."""
        self._spread.closing.set()
        with self._lock:
            scripts = list(self._scripts.values())
            workers = list(self._workers.values())
        for script in scripts:
            script.cancel()
        for some in workers:
            some.close()
        self._spread.join()

    def _carry(self, command: Command, invocation: Invocation) -> None:
        self._spread.closing.wait(max(0, ssm_record.delivered(command, self._delay) - time.time()))
        while (node := self._reach(command, invocation)) is not None:
            with self._lock:
                if invocation.ended is not None:
                    return
                ticket = self._workers[command.place, invocation.instance_id].take()
                if ticket is not None:
                    self._taken.add((command.command_id, invocation.instance_id))
                    invocation.taken = True
            if ticket is not None:
                self._work_off(command, invocation, node, ticket)
                return
            LOG.info("%s refuses command %s: 51402", invocation.instance_id, command.command_id)
            self._spread.closing.wait(_AGAIN_SECONDS)

    def _work_off(self, command: Command, invocation: Invocation, node: ManagedNode, ticket: Ticket) -> None:
        """Carry out a command that the agent has taken on, when its turn comes."""
        if not ticket.begin():
            return
        try:
            result = self._result(command, invocation, node, ticket)
        finally:
            ticket.end()
        if result is None:
            return
        if ssm_output.reply_size(result) > ssm_output.REPLY_BYTES:
            LOG.info("the reply to command %s is too long, so the agent drops it", command.command_id)
            return
        with self._lock:
            end(invocation, result.details, result)

    def _result(self, command: Command, invocation: Invocation, node: ManagedNode, ticket: Ticket) -> Result | None:
        """What the command's script ended with; None when the agent has nothing to say."""
        if command.order.unresolved:
            return ssm_output.failed(1)
        key = (command.command_id, invocation.instance_id)
        script = Script(command.order, command.command_id)
        with self._lock:
            if invocation.cancelling or self._spread.closing.is_set():
                return None
            self._scripts[key] = script
            invocation.started = time.time()
        try:
            return self._run(command, script, node, ticket)
        finally:
            with self._lock:
                del self._scripts[key]

    def _reach(self, command: Command, invocation: Invocation) -> ManagedNode | None:
        """The node once its agent answers; None when the invocation has ended before, or will not reach it."""
        while invocation.ended is None and not self._spread.closing.is_set():
            if time.time() >= command.delivery_ends:
                self._give_up(invocation, "DeliveryTimedOut")
                break
            node = self._nodes.online(command.place, invocation.instance_id)
            if node is not None:
                return node
            if not self._nodes.exists(command.place, invocation.instance_id):
                self._give_up(invocation, "Undeliverable")
                break
            self._spread.closing.wait(_POLL_SECONDS)
        return None

    def _give_up(self, invocation: Invocation, details: str) -> None:
        with self._lock:
            if invocation.ended is None:
                end(invocation, details)

    def _run(self, command: Command, script: Script, node: ManagedNode, ticket: Ticket) -> Result | None:
        """Run the script to its last end, over the reboots that it asks for. None: its end will never be known."""
        found: ManagedNode | None = node
        result = None
        for _ in range(_RUNS):
            if found is None:
                return None
            result = self._taken_and_run(command, script, found)
            if result is None:
                ticket.end()  # the agent's next life has its workers free
                return self._interrupted(command, node)
            if result.code != ssm_output.REBOOT:
                break
            if self._spread.closing.wait(_BEFORE_REBOOT * self._waits):
                return None
            ssm_agent.reboot(found.machine)
            self._nodes.forget_answer(found.machine)
            found = self._answering(command, found, restarted=True)
        # The agent reports the end, so an agent that was stopped meanwhile reports it when it runs again.
        return result if self._answering(command, node, restarted=False) else None

    def _taken_and_run(self, command: Command, script: Script, node: ManagedNode) -> Result | None:
        """Run the script once there is an agent that takes it."""
        found: ManagedNode | None = node
        while found is not None:
            try:
                return script.run(found.machine, found.facts)
            except NotTaken:
                self._nodes.forget_answer(found.machine)
                found = self._answering(command, found, restarted=False)
        return None

    def _interrupted(self, command: Command, node: ManagedNode) -> Result | None:
        """What the agent says, once it runs again, of a script whose end it has not seen. It does not run it again."""
        self._nodes.forget_answer(node.machine)
        if self._answering(command, node, restarted=False) is None:
            return None
        self._spread.closing.wait(_BEFORE_REPORT * self._waits)
        return ssm_output.failed(1)

    def _answering(self, command: Command, before: ManagedNode, *, restarted: bool) -> ManagedNode | None:
        """The node when its agent answers; `restarted`: when that is another start of the agent than before."""
        while not self._spread.closing.is_set() and time.time() < command.expires:
            node = self._nodes.online(command.place, before.machine.instance_id)
            if node is not None and not (restarted and node.facts.invocation == before.facts.invocation):
                return node
            if not self._nodes.exists(command.place, before.machine.instance_id):
                return None
            self._spread.closing.wait(_POLL_SECONDS)
        return None
