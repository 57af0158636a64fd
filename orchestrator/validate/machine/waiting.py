"""How a wait is told to people."""

from __future__ import annotations

#: Seconds. A log of a CI job gets a line for each step.
_STEP = 30


def since(waited: float) -> str:
    """` since 90 s`, in steps of half a minute; empty for less."""
    steps = int(waited // _STEP)
    return f" since {steps * _STEP} s" if steps else ""
