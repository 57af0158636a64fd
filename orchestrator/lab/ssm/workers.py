"""What the agent of one machine takes on at once: some commands run, as many wait in order, and others are refused."""

from __future__ import annotations

import threading
from collections import deque

#: amazon-ssm-agent: CommandWorkersLimit, and its buffer of as many.
RUNNING = 5
WAITING = 5


class Workers:
    """One agent's workers. Safe to use from many threads."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.closed = False
        self.waiting: deque[Ticket] = deque()
        self.running: set[Ticket] = set()

    def take(self) -> Ticket | None:
        """Take on a command; None when there are too many (the agent answers with status 51402)."""
        with self.changed:
            if len(self.running) + len(self.waiting) >= RUNNING + WAITING:
                return None
            self.waiting.append(ticket := Ticket(self))
            return ticket

    def close(self) -> None:
        """Let no command begin any more."""
        with self.changed:
            self.closed = True
            self.changed.notify_all()


class Ticket:
    """A command that an agent has taken on."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers

    def begin(self) -> bool:
        """Wait for the command's turn. False when there is none any more. Whoever has begun must `end`."""
        workers = self._workers
        with workers.changed:
            workers.changed.wait_for(lambda: workers.closed or self._is_next())
            if workers.closed:
                return False
            workers.running.add(workers.waiting.popleft())
            workers.changed.notify_all()
            return True

    def end(self) -> None:
        """The command occupies no worker any more. May be said twice."""
        with self._workers.changed:
            self._workers.running.discard(self)
            self._workers.changed.notify_all()

    def _is_next(self) -> bool:
        return len(self._workers.running) < RUNNING and self._workers.waiting[0] is self
