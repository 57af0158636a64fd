"""What the agent of one machine takes on at once: some commands run, as many wait in order, and others are refused."""

from __future__ import annotations

import threading
from collections import deque

#: amazon-ssm-agent: CommandWorkersLimit, and its buffer of as many.
RUNNING = 5
WAITING = 5


class Ticket:
    """A command that the agent has taken on."""


class Workers:
    """One agent's workers. Safe to use from many threads."""

    def __init__(self) -> None:
        self._waiting: deque[Ticket] = deque()
        self._running = 0
        self._closed = False
        self._changed = threading.Condition()

    def take(self) -> Ticket | None:
        """Take on a command; None when there are too many (the agent answers with status 51402)."""
        with self._changed:
            if self._running + len(self._waiting) >= RUNNING + WAITING:
                return None
            self._waiting.append(ticket := Ticket())
            return ticket

    def begin(self, ticket: Ticket) -> bool:
        """Wait for a command's turn. False when there is none any more; every command that has begun must `end`."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._is_next(ticket))
            if self._closed:
                return False
            self._waiting.popleft()
            self._running += 1
            self._changed.notify_all()
            return True

    def end(self) -> None:
        """A command that had begun has ended."""
        with self._changed:
            self._running -= 1
            self._changed.notify_all()

    def close(self) -> None:
        """Let no command begin any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _is_next(self, ticket: Ticket) -> bool:
        return self._running < RUNNING and self._waiting[0] is ticket
