"""The order of all tests: files that take longest first, so that no worker is left alone with one at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort by the seconds that a file's mark `long` tells; those of one file stay together, in their order."""
    items.sort(key=lambda item: -float(mark.args[0]) if (mark := item.get_closest_marker("long")) else 0.0)
