"""The pages are served."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from testinfra.host import Host


@pytest.mark.parametrize("page", ["index", "contact", "imprint"])
def test_page_is_served(host: Host, page: str) -> None:
    """Each by its name."""
    said = host.check_output(f"curl --fail --silent --max-time 10 http://127.0.0.1/pages/{page}.html")
    assert f"This is the page {page}" in said
