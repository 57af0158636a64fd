"""Attempts and their ends, with a clock that only counts."""

from __future__ import annotations

import doctest
import threading
import time
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator import polling
from orchestrator.errors import Interrupted
from orchestrator.polling import Clock, attempts, growing, poll, steady


@dataclass
class Counting(Clock):
    """A clock that pauses set. `stops_at` is when somebody sets the stop of the wait."""

    time: float = 100.0
    stops_at: float = float("inf")
    paused: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.time

    def pause(self, seconds: float, stop: threading.Event | None) -> None:
        self.paused.append(seconds)
        self.time += seconds
        if stop is not None and self.time >= self.stops_at:
            stop.set()


def test_poll_when_the_answer_comes() -> None:
    """It is asked no more, and nothing is waited for after it."""
    clock, answers = Counting(), iter([1, 2, 3, 4])
    assert poll(lambda: next(answers), until=lambda answer: answer == 3, pauses=steady(2), clock=clock) == 3
    assert clock.paused == [2, 2]


def test_poll_when_the_answer_is_there_at_once() -> None:
    """Nobody waits."""
    clock = Counting()
    assert poll(lambda: "yes", until=bool, pauses=[5.0], clock=clock) == "yes"
    assert clock.paused == []


def test_poll_when_pauses_end() -> None:
    """There is one more answer than pauses, and the last one is given although it is not the wanted one."""
    clock, answers = Counting(), iter(range(9))
    assert poll(lambda: next(answers), until=lambda _: False, pauses=(1.0, 2.0, 4.0), clock=clock) == 3
    assert clock.paused == [1, 2, 4]


def test_poll_when_time_is_up() -> None:
    """The last attempt is made when time is up: the pause before it is as short as that."""
    clock, answers = Counting(), iter(range(9))
    assert poll(lambda: next(answers), until=lambda _: False, pauses=steady(2), within=5, clock=clock) == 3
    assert clock.paused == [2, 2, 1]


def test_poll_when_asking_takes_time() -> None:
    """It counts, and no pause is negative."""
    clock = Counting()

    def slow() -> float:
        clock.time += 4
        return clock.time

    assert poll(slow, until=lambda _: False, pauses=steady(2), within=5, clock=clock) == 109
    assert clock.paused == [1]


def test_poll_when_there_is_no_time() -> None:
    """It is asked once."""
    clock = Counting()
    assert poll(lambda: 0, until=bool, pauses=steady(2), within=0, clock=clock) == 0
    assert clock.paused == []


def test_poll_when_asking_fails() -> None:
    """The error is the caller's."""
    with pytest.raises(ZeroDivisionError):
        poll(lambda: 1 / 0, until=bool, pauses=steady(2), clock=Counting())


def test_attempts_when_they_are_counted() -> None:
    """Each knows its number, the time since the first, and whether another follows."""
    made = list(attempts(growing(1, factor=2, longest=4), within=10, clock=Counting()))
    assert [(one.number, one.waited, one.last) for one in made] == [
        (1, 0, False),
        (2, 1, False),
        (3, 3, False),
        (4, 7, False),
        (5, 10, True),
    ]


def test_attempts_when_stopped_in_a_pause() -> None:
    """No further attempt is made, and the error says what the caller wants it to say."""
    clock, stop = Counting(stops_at=104), threading.Event()
    with pytest.raises(Interrupted, match=r"^the build was stopped$"):
        list(attempts(steady(2), stop=stop, stopped="the build was stopped", clock=clock))
    assert clock.paused == [2, 2]


def test_attempts_when_stopped_before_the_first() -> None:
    """Nothing is asked at all."""
    stop = threading.Event()
    stop.set()
    with pytest.raises(Interrupted, match=r"^stopped while waiting$"):
        next(attempts(steady(2), stop=stop, clock=Counting()))


def test_attempts_when_stopped_in_real_time() -> None:
    """A long pause ends at once."""
    stop, began = threading.Event(), time.monotonic()
    threading.Timer(0.1, stop.set).start()
    with pytest.raises(Interrupted):
        list(attempts(steady(60), stop=stop))
    assert time.monotonic() - began < 30


@given(st.lists(st.floats(0, 50), max_size=20), st.floats(0, 100))
def test_attempts_when_times_are_any(pauses: list[float], within: float) -> None:
    """There is one last attempt, it is the last, and none begins after the time is up."""
    made = list(attempts(pauses, within=within, clock=Counting()))
    assert [one.last for one in made] == [False] * (len(made) - 1) + [True]
    assert len(made) <= len(pauses) + 1
    assert made[-1].waited <= within + 1e-9


def test_examples_when_run() -> None:
    """They are true."""
    assert doctest.testmod(polling).failed == 0
