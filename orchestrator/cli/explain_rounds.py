"""Where the time of a validation went: its rounds as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.cli.tables import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.validate.round import Round

COLUMNS = tuple(map(Column, ("ROUND", "QUESTIONS", "COMMANDS", "SCRIPTS", "PARTS", "CALLS", "SECONDS")))


def table(rounds: Sequence[Round]) -> list[tuple[str, ...]]:
    """One row per round and one for all of them; none when there was no round.

    Rounds may overlap, when one waits for a slow command: the seconds of all are those that were waited, summed up.
    """
    rows = [
        (str(one.number), one.waiting, one.commands, one.scripts, one.parts, one.calls, one.seconds) for one in rounds
    ]
    if rows:
        _, *columns = zip(*rows, strict=True)
        rows.append(("all", *map(sum, columns)))  # type: ignore[arg-type]
    return [(*map(str, row[:-1]), f"{row[-1]:.2f}") for row in rows]
