"""How tests wait: until something holds, with a bound of minutes, for machines may be slow."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

Answer = TypeVar("Answer")


def until(
    ask: Callable[[], Answer | Literal[False] | None], what: str, seconds: float = 300, pause: float = 0.1
) -> Answer:
    """The first answer that is true, asked every `pause` s; the test fails when there is none in `seconds`."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds} s in vain for {what}; the last answer was {answer!r}")
        time.sleep(pause)
    return answer
