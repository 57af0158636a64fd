"""The option that writes screens anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """`pytest tests/cli --remake-screens` writes what is shown now over the screens that are kept."""
    parser.addoption("--remake-screens", action="store_true", help="write the kept screens anew")
