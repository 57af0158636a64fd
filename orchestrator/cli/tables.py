"""Tables of results. Ids, versions and names are never cut: what does not fit is shortened or dropped elsewhere.

A table that is too wide for the terminal gives way in a fixed order, the last column that may first: it is shortened to
`_SHORTEST` characters, then left out. When what may never be cut is too wide by itself, every row becomes a block of
lines, with nothing left out. Without a terminal a table is as wide as it takes.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.cli.terminal import colour, plain, print_text, width_of_terminal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

#: Between two columns.
_GAP = 2
#: Characters that a shortened column keeps, the sign for the cut included.
_SHORTEST = 12
_CUT = "…"


@dataclass(frozen=True)
class Column:
    """A column of a table: its title, and whether what is in it may be shortened and left out."""

    title: str
    #: Which gives way first: the highest number. 0: never, as for ids, versions and names.
    gives_way: int = 0
    #: Whether it is left out rather than shortened: an id that is not the row's own.
    whole: bool = False


def print_table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    """A result as a table that fits the terminal."""
    room = width_of_terminal() if sys.stdout.isatty() else None
    for place, line in enumerate(lines_of(columns, [[*map(plain, row)] for row in rows], room)):
        print_text(colour(line, "bold") if place == 0 else line)


def lines_of(columns: Sequence[Column], rows: Sequence[Sequence[str]], room: int | None) -> list[str]:
    """The lines of a table in `room` characters (None: as many as it takes), the titles first.

    Values are single lines of plain text. Characters are counted as a terminal shows them: some take two places.
    """
    from rich.cells import cell_len

    widths = [
        max(cell_len(value) for value in (column.title, *(row[place] for row in rows)))
        for place, column in enumerate(columns)
    ]
    shown = _fitting(columns, widths, room)
    if shown is None:
        return list(_blocks(columns, rows))
    titles = [column.title for column in columns]
    return [_line([(row[place], width) for place, width in shown.items()]) for row in (titles, *rows)]


def _fitting(columns: Sequence[Column], widths: Sequence[int], room: int | None) -> dict[int, int] | None:
    """The width of each column that is shown, by its place; None when they do not fit."""
    shown = dict(enumerate(widths))
    giving = sorted(
        (place for place, one in enumerate(columns) if one.gives_way), key=lambda one: -columns[one].gives_way
    )
    for place in giving:
        if (over := _over(shown, room)) > 0 and not columns[place].whole:
            shown[place] = min(widths[place], max(widths[place] - over, _SHORTEST, len(columns[place].title)))
    for place in giving:
        if _over(shown, room) > 0:
            del shown[place]
    for place in reversed(giving):
        if place in shown:  # what was left out made room
            shown[place] = min(widths[place], max(shown[place] - _over(shown, room), shown[place]))
    return shown if _over(shown, room) <= 0 else None


def _over(shown: dict[int, int], room: int | None) -> int:
    return 0 if room is None else sum(shown.values()) + _GAP * (len(shown) - 1) - room


def _line(cells: Iterable[tuple[str, int]]) -> str:
    from rich.cells import cell_len, set_cell_size

    fitted = (
        set_cell_size(value, width) if cell_len(value) <= width else set_cell_size(value, width - 1) + _CUT
        for value, width in cells
    )
    return (" " * _GAP).join(fitted).rstrip()


def _blocks(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Each row as lines of `TITLE  value`, the rows apart from each other."""
    longest = max(len(column.title) for column in columns)
    for place, row in enumerate(rows):
        if place:
            yield ""
        for column, value in zip(columns, row, strict=True):
            if value:
                yield f"{column.title:<{longest}}  {value}"
