"""What the coordinator knows of one process of the tree."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


#: Seconds that a test has to end after its last word, until it is no longer looked upon as a process.
_LINGERS = 5.0


@dataclass(eq=False)
class Worker:
    """One process of the tree, seen from the coordinator."""

    connection: Connection[Any, Any]
    #: "root", "branch", "test", or "guest": a process that one of these forked by itself. Empty until it has called.
    kind: str = ""
    #: The place of its first test; -1 for the root.
    index: int = -1
    pid: int = 0
    #: It computes or sleeps, and may still ask something.
    running: bool = True
    #: What it waits for, if it is not running: the message with which it asked for leave to fork.
    wants: tuple[Any, ...] = ()
    #: The places of tests of which more will come from it.
    held: list[int] = field(default_factory=list)
    #: The place of the child that it has leave to fork and that is not there yet.
    granted: int = -1
    #: The places of the tests that each of its children runs, by the first of them.
    children: dict[int, tuple[int, ...]] = field(default_factory=dict)
    #: The test for which it asks, if not its own: of what is shared, the one that wanted it first or has it last.
    about: int = -1
    #: Its connection has come to its end.
    is_over: bool = False
    #: When (time.monotonic) a test has said its last word. What it has forked may hold its connection for ever: it is
    #: not waited for, but for a moment it still takes room.
    done_at: float | None = None

    @property
    def is_done(self) -> bool:
        """Whether it is a test that has said its last word."""
        return self.done_at is not None

    @property
    def takes_room(self) -> bool:
        """Whether its process may be there."""
        return self.done_at is None or time.monotonic() - self.done_at < _LINGERS

    @property
    def counts(self) -> bool:
        """Whether it is waited for."""
        return self.kind != "guest" and not self.is_done

    @property
    def named(self) -> tuple[str, int, int]:
        """By what a process is known that calls once more."""
        return self.kind, self.index, self.pid

    def answer(self, answer: object) -> None:
        """Say what it has waited for: it runs on."""
        self.wants = ()
        self.running = True
        try:
            self.connection.send(answer)
        except (ConnectionError, OSError):
            return  # it has died, which is seen when its connection is read

    def take_over(self, before: Worker) -> None:
        """Continue what the same process was before it called once more, which means nothing any more."""
        self.held, self.children, self.granted, self.about = before.held, before.children, before.granted, before.about
        before.held, before.children, before.granted = [], {}, -1
        before.kind, before.running, before.wants = "guest", False, ()

    def kill(self) -> None:
        """End it at once."""
        kill(self.pid)


def kill(pid: int) -> None:
    """End a process at once; one that has ended already is no error."""
    if pid > 0:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return
