"""Where AWS documents a rule: each test of `tests/contract/` names its source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Rule = Callable[..., None]


def source(document: str, place: str) -> Callable[[Rule], Rule]:
    """Say which document of AWS has the rule of this test ("Amazon EC2 API Reference"), and where in it."""

    def mark(rule: Rule) -> Rule:
        return pytest.mark.source(document, place)(rule)

    return mark
