"""No more commands at once than a machine's agent takes on."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from orchestrator.errors import Interrupted
from orchestrator.validate.machine.slots import LEAST, MOST, CommandSlots


class Watch:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def most_at_once(slots: CommandSlots, wanted: int, expected: int) -> int:
    """How many of so many hold a slot at the same time, at most. They hold it until as many do as expected."""
    held, most, lock, full = 0, 0, threading.Lock(), threading.Event()

    def hold(_: int) -> None:
        nonlocal held, most
        with slots.one(threading.Event()):
            with lock:
                held += 1
                most = max(most, held)
                if held == expected:
                    full.set()
            full.wait(60)
            time.sleep(0.05)
            with lock:
                held -= 1

    with ThreadPoolExecutor(wanted) as pool:
        list(pool.map(hold, range(wanted)))
    return most


def test_the_agent_gets_ten_commands_at_once() -> None:
    assert most_at_once(CommandSlots(), 30, MOST) == MOST == 10


def test_a_command_of_which_nothing_is_heard_counts_for_a_while() -> None:
    watch = Watch()
    slots = CommandSlots(clock=watch)
    for _ in range(4):
        slots.doubt(35)
    assert most_at_once(slots, 30, 6) == 6
    watch.now = 36
    assert most_at_once(slots, 30, 10) == 10


def test_something_goes_on_however_many_are_in_doubt() -> None:
    slots = CommandSlots(clock=Watch())
    for _ in range(50):
        slots.doubt(35)
    assert most_at_once(slots, 10, LEAST) == LEAST


def test_a_stop_ends_the_wait_for_a_slot() -> None:
    slots, stop = CommandSlots(clock=Watch()), threading.Event()
    for _ in range(50):
        slots.doubt(35)
    threading.Timer(0.1, stop.set).start()
    with (
        slots.one(stop), slots.one(stop), slots.one(stop),
        pytest.raises(Interrupted), slots.one(stop),
    ):  # fmt: skip
        pass
