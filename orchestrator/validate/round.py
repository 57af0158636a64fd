"""One round of a validation, for people who want to know where its time went."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Round:
    """What one round did.

    `waiting` counts the questions of tests that it answered, `commands` the distinct ones that ran, `calls` the calls
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
