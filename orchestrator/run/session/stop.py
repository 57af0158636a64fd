"""Ctrl-C and a cancelled job: the first signal asks everything to end tidily, the second says that it is urgent."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

#: Seconds between two looks at the stop of the whole run.
_PACE = 0.1


class Stop(threading.Event):
    """A request to stop one piece of work, which the request to stop the whole run implies.

    It asks the other one instead of being told by it: a signal handler that set several events could wait for a lock
    that the interrupted thread holds.
    """

    def __init__(self, whole: threading.Event) -> None:
        super().__init__()
        self._whole = whole

    def is_set(self) -> bool:
        """Whether this piece, or everything, shall stop."""
        return super().is_set() or self._whole.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is set, at most `timeout` seconds. Whether it is."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self.is_set():
            left = _PACE if deadline is None else min(_PACE, deadline - time.monotonic())
            if left <= 0:
                break
            super().wait(left)
        return self.is_set()


@contextmanager
def signals_set(stop: threading.Event, urgent: threading.Event, tell: Callable[[str], None]) -> Iterator[None]:
    """While it lasts, SIGINT and SIGTERM set `stop`, and once more `urgent`. `tell` gets what a person should read."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            urgent.set()
            tell("stopping at once; machines may stay behind: `ami sweep` removes them")
        else:
            stop.set()
            tell(
                "stopping: Packer cleans up and machines are terminated; once more stops at once. If this process is "
                "killed meanwhile, `ami sweep` removes what stays"
            )

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
