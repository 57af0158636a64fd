"""Ctrl-C and a cancelled job: the first signal asks everything to end tidily, the second says that it is urgent."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator
    from types import FrameType


@contextmanager
def signals_set(stop: threading.Event, urgent: threading.Event, tell: Callable[[str], None]) -> Iterator[None]:
    """While it lasts, SIGINT and SIGTERM set `stop`, and once more `urgent`. `tell` gets what a person should read."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            urgent.set()
            tell("stopping at once; machines may stay behind")
        else:
            stop.set()
            tell("stopping: Packer cleans up and machines are terminated; once more stops at once")

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
