from __future__ import annotations

import pytest

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.ec2.listing import matching, page

ITEMS = [{"name": "web-1", "on": True}, {"name": "web-2", "on": False}, {"name": "db", "on": True}]
READERS = {"name": lambda item: item["name"], "on": lambda item: item["on"], "none": lambda _: None}


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ([], ["web-1", "web-2", "db"]),
        ([("name", ["web-*"])], ["web-1", "web-2"]),
        ([("name", ["web-*"]), ("on", ["true"])], ["web-1"]),
        ([("name", ["db", "web-1"])], ["web-1", "db"]),
        ([("none", ["*"])], []),
    ],
)
def test_filters(filters: list[tuple[str, list[str]]], found: list[str]) -> None:
    """Of the values of one filter any may match, of the filters all must."""
    asked = [{"Name": name, "Values": values} for name, values in filters]
    assert [item["name"] for item in matching(ITEMS, asked, READERS)] == found


def test_a_filter_that_nobody_knows_is_refused() -> None:
    with pytest.raises(AwsFault, match="'colour' is invalid"):
        matching(ITEMS, [{"Name": "colour", "Values": ["red"]}], READERS)


def test_pages_end_to_end() -> None:
    first, token = page([1, 2, 3], {"MaxResults": 2}, 200)
    last, end = page([1, 2, 3], {"MaxResults": 2, "NextToken": token}, 200)
    assert (first, last, end) == ([1, 2], [3], None)


@pytest.mark.parametrize("asked", [{"MaxResults": 201}, {"NextToken": "guessed"}, {"NextToken": "Z3Vlc3NlZA=="}])
def test_a_page_that_cannot_be_is_refused(asked: dict[str, object]) -> None:
    with pytest.raises(AwsFault):
        page([1, 2, 3], asked, 200)
