"""Tables on terminals of all widths: no id, version or name is ever cut."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from orchestrator.cli.tables import Column, lines_of
from tests.cli.terminal import python, seen

AMI, VERSION = "ami-0f26c52e1b2c3d4e5", "20261123T235522Z-1a2b3c4d"

_PRINTS = f"""
from orchestrator.cli.commands.list_ import COLUMNS
from orchestrator.cli.tables import print_table
print_table(COLUMNS, [("analytics@debian-13-arm64", "{VERSION}", "{AMI}", "validated",
    "base hardening agents workload", "ami-0123456789abcdef0", "passed=141 failed=0 skipped=1"),
    ("web", "{VERSION}", "{AMI}", "rejected", "base", "", "test_change[/etc/x]")])
"""


@pytest.mark.parametrize("columns", [40, 60, 80, 100, 120, 160])
def test_list_when_the_terminal_is_narrow(columns: int) -> None:
    """Every id, version and name stands whole in one line, and no line is broken by the terminal."""
    screen = seen(python(_PRINTS), columns)
    assert screen.code == 0, screen.text
    for whole in ("analytics@debian-13-arm64", VERSION, AMI, "validated", "rejected"):
        assert any(whole in line for line in screen.lines), screen.text
    assert len([line for line in screen.lines if AMI in line]) == 2, screen.text


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (160, "IMAGE VERSION AMI STATE LAYERS BUILT ON TESTS"),
        (120, "IMAGE VERSION AMI STATE LAYERS TESTS"),
        (100, "IMAGE VERSION AMI STATE TESTS"),
    ],
)
def test_list_when_columns_give_way(columns: int, expected: str) -> None:
    """Which columns go, and which stay, depends on the width alone."""
    assert " ".join(seen(python(_PRINTS), columns).lines[0].split()) == expected


def test_list_when_it_is_no_table_any_more() -> None:
    """At worst every row is a block of lines, with nothing left out."""
    assert seen(python(_PRINTS), 80).lines[:8] == (
        "IMAGE     analytics@debian-13-arm64",
        f"VERSION   {VERSION}",
        f"AMI       {AMI}",
        "STATE     validated",
        "LAYERS    base hardening agents workload",
        "BUILT ON  ami-0123456789abcdef0",
        "TESTS     passed=141 failed=0 skipped=1",
        "",
    )


def test_list_when_nobody_wants_colours() -> None:
    """NO_COLOR takes them away, and they are there otherwise."""
    assert "\x1b[1m" in seen(python(_PRINTS), 160).raw
    assert "\x1b[1m" not in seen(python(_PRINTS), 160, env={"NO_COLOR": "1"}).raw


CELLS = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=30)


@settings(deadline=None)
@given(
    rows=st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=5),
    room=st.integers(20, 90),
)
def test_lines_of_when_cells_are_any_text(rows: list[tuple[str, ...]], room: int) -> None:
    """No line is wider than the terminal unless what may not be cut is, and then nothing is cut at all."""
    columns = (Column("ID"), Column("WHAT", gives_way=1), Column("WHY", gives_way=2))
    lines = lines_of(columns, rows, room)
    if all(cell_len(row[0]) <= room for row in rows):
        assert all(cell_len(line) <= room for line in lines)
    text = "\n".join(lines)
    assert all(row[0].rstrip() in text for row in rows)
