"""Ask again until the answer is the wanted one: for what takes time, and for reading back what was just written.

`poll` asks and compares answers; `attempts` is the loop below it, for callers that catch errors between two attempts.
Loops that watch for as long as something lasts (a heartbeat, a build) are not polling: they have no last attempt.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, TypeVar

from orchestrator.errors import Interrupted

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")


class Clock:
    """The time, and how to let it pass. Tests have one that only counts."""

    def now(self) -> float:
        """Seconds of a clock that never goes back."""
        return time.monotonic()

    def pause(self, seconds: float, stop: threading.Event | None) -> None:
        """Let seconds pass; less when `stop` is set meanwhile."""
        if stop is None:
            time.sleep(seconds)
        else:
            stop.wait(seconds)


REAL_TIME = Clock()


@dataclass(frozen=True)
class Attempt:
    """One of several attempts: its number from 1, seconds since the first began, and whether no other follows."""

    number: int
    waited: float
    last: bool


def steady(seconds: float) -> Iterator[float]:
    """The same pause for ever.

    >>> pauses = steady(2.0)
    >>> next(pauses), next(pauses)
    (2.0, 2.0)
    """
    return repeat(seconds)


def growing(first: float, *, factor: float, longest: float) -> Iterator[float]:
    """Pauses in seconds, each `factor` times as long as the one before it, up to `longest`; without an end.

    >>> pauses = growing(0.5, factor=2, longest=1.5)
    >>> [next(pauses) for _ in range(4)]
    [0.5, 1.0, 1.5, 1.5]
    """
    pause = first
    while True:
        yield pause
        pause = min(pause * factor, longest)


def attempts(
    pauses: Iterable[float],
    *,
    within: float = math.inf,
    stop: threading.Event | None = None,
    stopped: str = "stopped while waiting",
    clock: Clock = REAL_TIME,
) -> Iterator[Attempt]:
    """Attempts with `pauses` (seconds) between them. Leave the loop when one succeeds.

    The last attempt follows the last pause, or is made when `within` seconds have passed since the first. Raises
    Interrupted with the message `stopped` in the place of an attempt once `stop` is set.
    """
    began, left = clock.now(), iter(pauses)
    number, waited = 1, 0.0
    while True:
        if stop is not None and stop.is_set():
            raise Interrupted(stopped)
        pause = next(left, None) if waited < within else None
        yield Attempt(number, waited, last=pause is None)
        if pause is None:
            return
        clock.pause(min(pause, max(0.0, began + within - clock.now())), stop)
        number, waited = number + 1, clock.now() - began


def poll(
    ask: Callable[[], T],
    *,
    until: Callable[[T], object],
    pauses: Iterable[float],
    within: float = math.inf,
    stop: threading.Event | None = None,
    clock: Clock = REAL_TIME,
) -> T:
    """The first answer that `until` is true of; the last one when there is none in time.

    The caller knows what it means that the last answer is another one. The rest is as in `attempts`. Errors of `ask`
    are not caught.
    """
    for _ in attempts(pauses, within=within, stop=stop, clock=clock):
        answer = ask()
        if until(answer):
            break
    return answer
