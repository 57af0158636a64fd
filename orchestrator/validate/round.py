"""What one round of questions cost."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True)
class Traffic:
    """What it took to ask: API calls by their names, scripts sent, parts of answers fetched, seconds."""

    calls: Mapping[str, int] = field(default_factory=dict)
    scripts: int = 0
    parts: int = 0
    seconds: float = 0.0


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


def calls_of(traffic: Iterable[Traffic]) -> dict[str, int]:
    """API calls by their names, summed."""
    total: Counter[str] = Counter()
    for one in traffic:
        total.update(one.calls)
    return dict(sorted(total.items()))
