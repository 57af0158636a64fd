"""What `make test` does a few times, and `make test-thorough` as often as it can.

What it leaves out are variants (more versions, moments and examples) and long tests of what changes seldom break. They
are for nightly jobs, and for whoever works on just that. The mark `thorough` is for whole tests.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

_T = TypeVar("_T")

#: Whether this is `make test-thorough`, which says so by this variable.
THOROUGH = os.environ.get("AMI_TEST_THOROUGH") == "1"


def examples(few: int, many: int) -> int:
    """How many examples Hypothesis tries."""
    return many if THOROUGH else few


def some(few: Sequence[_T], many: Sequence[_T]) -> Sequence[_T]:
    """The variants that are tried."""
    return many if THOROUGH else few


def ends(values: Sequence[_T]) -> Sequence[_T]:
    """All of an ordered sequence, or its first and its last."""
    return some((values[0], values[-1]), values)
