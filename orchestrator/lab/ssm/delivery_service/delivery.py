"""How commands reach a real agent and what its replies mean: a message is left for it, and the rest is its own work."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from typing import TYPE_CHECKING

from orchestrator.lab.ssm import record as ssm_record
from orchestrator.lab.ssm.delivery_service.documents import cancelling, job_id, sending
from orchestrator.lab.ssm.output import failed
from orchestrator.lab.ssm.spread import Spread, end

if TYPE_CHECKING:
    from orchestrator.lab.ssm.delivery_service.documents import AgentReply
    from orchestrator.lab.ssm.delivery_service.mailboxes import Mailboxes
    from orchestrator.lab.ssm.record import Command, Invocation
    from orchestrator.lab.ssm.run_command import KnownNodes

LOG = logging.getLogger(__name__)

_GLANCE_SECONDS = 0.5


class AgentDelivery:
    """Leaves messages for agents, and writes what they reply into the records of commands."""

    def __init__(self, nodes: KnownNodes, mailboxes: Mailboxes, delay: float) -> None:
        self._nodes = nodes
        self._mailboxes = mailboxes
        self._delay = delay
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._spread = Spread(self._carry, self._lock)
        self._jobs: dict[str, Invocation] = {}
        self._taken: set[str] = set()

    def send(self, command: Command) -> None:
        """Start carrying a command to its nodes."""
        self._spread.send(command)

    def cancel(self, command: Command, invocation: Invocation) -> None:
        """End one invocation: at once when no agent has it, else when its agent says so.

        An agent says nothing of a command that waited for its turn.
        """
        job = job_id(command.command_id, invocation.instance_id)
        with self._changed:
            if invocation.ended is not None:
                return
            command.cancelled = True
            invocation.cancelling = True
            offered = job in self._taken or self._mailboxes.withdraw(job)
            if job not in self._taken:
                end(invocation, "Cancelled")
                self._changed.notify_all()
        if offered:
            self._mailboxes.put(cancelling(job, str(uuid.uuid4()), invocation.instance_id))

    def close(self) -> None:
        """Carry nothing any more. What runs in the machines runs on."""
        self._spread.closing.set()
        self._mailboxes.close()
        with self._changed:
            self._changed.notify_all()
        self._spread.join()

    def taken(self, job: str) -> None:
        """An agent has acknowledged a message."""
        if self._mailboxes.acknowledge(job):
            with self._changed:
                self._taken.add(job)
                self._changed.notify_all()

    def replied(self, job: str, reply: AgentReply) -> None:
        """An agent has told how a command stands. The first reply that tells of an end counts."""
        # A reply tells that the agent has the message, whether its acknowledgement has arrived or not.
        self.taken(job)
        with self._changed:
            invocation = self._jobs.get(job)
            if invocation is None or invocation.ended is not None:
                return
            invocation.started = reply.started or invocation.started or time.time()
            if reply.result is not None:
                end(invocation, reply.result.details, reply.result)
                self._changed.notify_all()

    def failed(self, job: str, reason: str) -> None:
        """An agent cannot do what a message asks (FailMessage)."""
        LOG.info("the agent fails %s: %s", job, reason)
        self._mailboxes.withdraw(job)
        with self._changed:
            invocation = self._jobs.get(job)
            if invocation is not None and invocation.ended is None:
                end(invocation, "Failed", failed(1))
                self._changed.notify_all()

    def _carry(self, command: Command, invocation: Invocation) -> None:
        self._spread.closing.wait(max(0, ssm_record.delivered(command, self._delay) - time.time()))
        job = job_id(command.command_id, invocation.instance_id)
        with self._changed:
            if invocation.ended is not None or self._spread.closing.is_set():
                return
            self._jobs[job] = invocation
            # Under the lock: whoever cancels finds either no message or one that he can withdraw.
            self._mailboxes.put(sending(command, invocation.instance_id))
        self._await_acknowledgement(command, invocation, job)
        self._await_end(command, invocation)

    def _await_acknowledgement(self, command: Command, invocation: Invocation, job: str) -> None:
        with self._changed:
            while invocation.ended is None and job not in self._taken and not self._spread.closing.is_set():
                left = command.delivery_ends - time.time()
                there = self._nodes.exists(command.place, invocation.instance_id)
                if left <= 0 or not there:
                    self._mailboxes.withdraw(job)
                    end(invocation, "DeliveryTimedOut" if there else "Undeliverable")
                    return
                self._changed.wait(min(left, _GLANCE_SECONDS))

    def _await_end(self, command: Command, invocation: Invocation) -> None:
        """Wait for the end, or until it will never be known: then the invocation expires by its record."""
        with self._changed:
            while invocation.ended is None and not self._spread.closing.is_set():
                left = command.expires - time.time()
                if left <= 0 or not self._nodes.exists(command.place, invocation.instance_id):
                    return
                self._changed.wait(min(left, _GLANCE_SECONDS))
