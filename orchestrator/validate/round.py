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
    """What one round did.

    `waiting` counts the questions of tests that it answered, `commands` the commands that ran, `calls` the calls
    to the API (or the programs started, for other connections), `scripts` and `parts` what was sent to the machine and
    what was fetched from it besides; `seconds` is its wall time.
    """

    number: int
    waiting: int
    commands: int
    calls: int
    scripts: int
    parts: int
    seconds: float
