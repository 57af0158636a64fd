"""What one round of questions cost."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass


class CallCount:
    """Counts what it takes to ask, from several threads: API calls (or started programs), scripts, parts of answers."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.scripts = 0
        self.parts = 0
        self._lock = threading.Lock()

    def call(self, name: str) -> None:
        """A call to the API, or a program started."""
        with self._lock:
            self.calls[name] += 1

    def script(self) -> None:
        """A script sent to the machine."""
        with self._lock:
            self.scripts += 1

    def part(self) -> None:
        """A script sent that fetches a part of an answer."""
        with self._lock:
            self.parts += 1


@dataclass(frozen=True)
class Round:
    """What one round did."""

    #: 0 is the round that asks for the facts of the system.
    number: int
    #: The questions of tests that it answered.
    waiting: int
    #: The commands that ran: equal questions may share one.
    commands: int
    #: Calls to the API, or programs started for other connections.
    calls: int
    #: Scripts sent to the machine.
    scripts: int
    #: Parts of answers that were fetched besides.
    parts: int
    #: Its wall time.
    seconds: float
