"""What a bench found: rows of one table, and the same as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_HEAD = ("BENCH", "COMPARED", "OURS", "OTHER", "RATIO", "AIM", "MET")


@dataclass(frozen=True)
class Row:
    """One comparison. `ours` and `other` are medians in `unit`.

    `aim` is what the ratio may be at most, or with `absolute` what `ours` may be; None when nothing is aimed at.
    `other` is None when there is nothing to compare with. `failed` is a condition that is not a number and was not
    kept ("2 machines were started"); the aim is missed then.
    """

    bench: str
    compared: str
    ours: float
    other: float | None = None
    unit: str = "s"
    aim: float | None = None
    absolute: bool = False
    failed: str = ""
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours by the other's."""
        return self.ours / self.other if self.other else None

    @property
    def met(self) -> bool | None:
        """Whether the aim is reached; None without an aim."""
        value = self.ours if self.absolute else self.ratio
        if self.failed:
            return False
        return None if self.aim is None or value is None else value <= self.aim

    def as_json(self) -> dict[str, Any]:
        """A JSON object with every field."""
        own = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {**own, "ratio": self.ratio, "met": self.met}

    def cells(self) -> tuple[str, ...]:
        """The row of the table."""
        aim = "" if self.aim is None else f"<= {self.aim:.3g}{f' {self.unit}' if self.absolute else ''}"
        other = "" if self.other is None else f"{_short(self.other)} {self.unit}"
        ratio = "" if self.ratio is None else f"{self.ratio:.3f}"
        met = {None: "", True: "yes", False: "NO"}[self.met]
        return self.bench, self.compared, f"{_short(self.ours)} {self.unit}", other, ratio, aim, met


def table(rows: Iterable[Row]) -> str:
    """The rows with their columns aligned, and what is to be said of some of them below."""
    shown = list(rows)
    lines = [_HEAD, *(row.cells() for row in shown)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD))]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    text += [f"{row.bench}: {said}" for row in shown for said in (row.failed, row.note) if said]
    return "\n".join(text)


def _short(value: float) -> str:
    """Three digits that count, and all of those before the point."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
