"""How a command spreads: to MaxConcurrency nodes at once, and to no further one when too many have failed."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from orchestrator.lab.ssm import record as ssm_record
from orchestrator.lab.ssm.order import share

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.lab.ssm.output import Result
    from orchestrator.lab.ssm.record import Command, Invocation

LOG = logging.getLogger(__name__)


class Spread:
    """Calls `carry` for each invocation, in a thread of its own. `lock` is held where invocations are written."""

    def __init__(self, carry: Callable[[Command, Invocation], None], lock: threading.Lock) -> None:
        self._carry = carry
        self._lock = lock
        self._unsent: dict[str, deque[Invocation]] = {}
        self._threads: set[threading.Thread] = set()
        self.closing = threading.Event()

    def send(self, command: Command) -> None:
        """Start carrying a command to its nodes."""
        waiting = deque(invocation for invocation in command.invocations if invocation.ended is None)
        with self._lock:
            self._unsent[command.command_id] = waiting
        for _ in range(share(command.order.max_concurrency, len(waiting))):
            self._send_next(command)

    def join(self) -> None:
        """Wait until nothing is carried any more; start nothing. Set `closing` before."""
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join()

    def _send_next(self, command: Command) -> None:
        """Hand the command's next unsent invocation to its node, or end the unsent ones when too many have failed."""
        with self._lock:
            unsent = self._unsent.get(command.command_id)
            if not unsent or self.closing.is_set():
                self._unsent.pop(command.command_id, None)
                return
            details = [invocation.details for invocation in command.invocations]
            if ssm_record.errors(details) > share(command.order.max_errors, len(details)):
                for invocation in unsent:
                    end(invocation, "Terminated")
                unsent.clear()
                return
            invocation = unsent.popleft()
            name = f"run-command {invocation.instance_id}"
            thread = threading.Thread(target=self._work, args=(command, invocation), name=name, daemon=True)
            self._threads.add(thread)
        thread.start()

    def _work(self, command: Command, invocation: Invocation) -> None:
        try:
            self._carry(command, invocation)
        except Exception:
            LOG.exception("command %s on %s", command.command_id, invocation.instance_id)
        self._send_next(command)
        with self._lock:
            self._threads.discard(threading.current_thread())


def end(invocation: Invocation, details: str, result: Result | None = None) -> None:
    """Write down that an invocation has ended, under the lock."""
    invocation.details = details
    invocation.result = result
    invocation.ended = time.time()
