"""The table of rounds."""

from __future__ import annotations

from orchestrator.cli.explain_rounds import COLUMNS, table
from orchestrator.validate.round import Round

ROUNDS = (
    Round(number=1, waiting=140, commands=60, calls=3, scripts=1, parts=0, seconds=1.204),
    Round(number=2, waiting=20, commands=9, calls=6, scripts=1, parts=2, seconds=2.5),
)


def test_table_when_there_are_rounds() -> None:
    """One row each, and one that sums them up."""
    assert table(ROUNDS) == [
        ("1", "140", "60", "1", "0", "3", "1.20"),
        ("2", "20", "9", "1", "2", "6", "2.50"),
        ("all", "160", "69", "2", "2", "9", "3.70"),
    ]
    assert {len(row) for row in table(ROUNDS)} == {len(COLUMNS)}


def test_table_when_no_test_asked_anything() -> None:
    assert table(()) == []
