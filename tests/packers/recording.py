"""Recordings of what Packer printed: lines, attempts, and what in them belongs to the build that was recorded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FOLDER = Path(__file__).parent / "recordings"

_BEGINS, _ENDS = "Prevalidating any provided VPC information", "Builds finished"
_NAME = re.compile(r"^(?:==> |--> | {4})amazon-ebs\.[\w-]+: ?")
_COMMA = "%!(PACKER_COMMA)"


@dataclass(frozen=True)
class Line:
    """One line of `packer build -machine-readable`: `data` is unescaped, `at` in seconds since 1970."""

    at: int
    target: str
    type: str
    data: tuple[str, ...]

    @property
    def text(self) -> str:
        """What a `ui` line says, without the build's name; empty for any other line."""
        return _NAME.sub("", self.data[1]) if self.type == "ui" and len(self.data) > 1 else ""

    @property
    def is_error(self) -> bool:
        """Whether a `ui` line says what went wrong."""
        return self.type == "ui" and self.data[:1] == ("error",)

    def __str__(self) -> str:
        data = (one.replace("\n", "\\n").replace("\r", "\\r").replace(",", _COMMA) for one in self.data)
        return ",".join([str(self.at), self.target, self.type, *data])


def ui(kind: str, text: str, at: int = 0) -> Line:
    """A line for people: `kind` is say, message or error."""
    return Line(at, "", "ui", (kind, text))


def line_of(raw: str) -> Line:
    """The value of a recorded line."""
    at, target, type_, *data = raw.split(",")
    return Line(int(at), target, type_, tuple(one.replace("\\n", "\n").replace(_COMMA, ",") for one in data))


@dataclass(frozen=True)
class Attempt:
    """One attempt of a recorded build: one Packer process."""

    lines: tuple[Line, ...]

    @property
    def ended(self) -> bool:
        """Whether Packer came to its own end. One that did not hung, until it was interrupted."""
        return any(_ENDS in line.text for line in self.lines)

    @property
    def failed(self) -> bool:
        """Whether Packer ended with an error."""
        return any(line.is_error for line in self.lines)

    @property
    def name_was_used(self) -> bool:
        """Whether it failed because an earlier attempt had left its AMI."""
        return any("is used by an existing AMI" in line.text for line in self.lines)

    @property
    def image(self) -> str:
        """The name of the source that was built."""
        found = re.match(r"==> amazon-ebs\.([\w-]+): ", self.lines[0].data[1])
        return found[1] if found else ""

    def first(self, pattern: str) -> str:
        """The first group of a pattern in what was said; empty when nothing fits."""
        found = (re.search(pattern, line.text) for line in self.lines)
        return next((one[1] for one in found if one), "")


def attempts(version: str, case: str) -> tuple[Attempt, ...]:
    """The attempts of a recorded build, in their order."""
    lines = [line_of(raw) for raw in (FOLDER / version / f"{case}.txt").read_text(encoding="utf-8").splitlines()]
    starts = [number for number, line in enumerate(lines) if line.text == _BEGINS] or [0]
    bounds = zip(starts, [*starts[1:], len(lines)], strict=True)
    return tuple(Attempt(tuple(lines[start:end])) for start, end in bounds)


def part(version: str, case: str, number: int, *, name_is_used: bool) -> Attempt:
    """What attempt `number` (from 1) of a build plays: its own part, or the last one there is.

    A part that failed of a name that is in use is played only if it is. Otherwise the build goes its ordinary way.
    """
    parts = attempts(version, case)
    chosen = parts[min(number, len(parts)) - 1]
    return attempts(version, "ok")[0] if chosen.name_was_used and not name_is_used else chosen


def cases(version: str) -> tuple[str, ...]:
    """The names of what was recorded of a version."""
    return tuple(sorted(path.stem for path in (FOLDER / version).glob("*.txt")))


def replaced(line: Line, changes: Mapping[str, str], at: int) -> Line:
    """A line with every recorded name in it replaced, at another time."""
    if not changes:
        return Line(at, line.target, line.type, line.data)
    longest = sorted(changes, key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, longest)))

    def change(texts: Iterable[str]) -> tuple[str, ...]:
        return tuple(pattern.sub(lambda found: changes[found[0]], text) for text in texts)

    return Line(at, change([line.target])[0], line.type, change(line.data))
