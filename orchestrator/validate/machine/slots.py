"""How many commands of one validation the agent of its machine may have at once.

The agent runs five and lets five wait; the eleventh it refuses, and Systems Manager sends it again at some later time
(seen with amazon-ssm-agent 3.3). So everything that is sent to a machine takes one of ten slots: scripts, parts of
answers, and what may have been sent although its answer was lost.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from orchestrator.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: What the agent takes on.
MOST = 10
#: So many commands are sent at once however many are in doubt: otherwise nothing would go on for a while.
LEAST = 3
#: Seconds between two looks whether a wait shall be stopped.
_LOOK = 0.2


class CommandSlots:
    """The slots of one machine. `clock` tells monotonic seconds. Safe to use from many threads."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._used = 0
        self._doubtful: list[float] = []
        self._changed = threading.Condition()

    @contextmanager
    def one(self, stop: threading.Event) -> Iterator[None]:
        """A slot, once one is free. Raises Interrupted when `stop` is set."""
        with self._changed:
            while not self._free():
                if stop.is_set():
                    raise Interrupted("nothing is sent to the machine any more")
                self._changed.wait(_LOOK)
            self._used += 1
        try:
            yield
        finally:
            with self._changed:
                self._used -= 1
                self._changed.notify()

    def doubt(self, seconds: float) -> None:
        """The agent may have a command of which nothing is heard: it counts for so long."""
        with self._changed:
            self._doubtful.append(self._clock() + seconds)

    def _free(self) -> bool:
        now = self._clock()
        self._doubtful = [until for until in self._doubtful if until > now]
        return self._used < max(MOST - len(self._doubtful), LEAST)
