"""Markdown as GitHub and GitLab show it, of texts that nobody has to trust, and cut to fit where it goes.

Whatever comes from files, machines and AWS stands in code: there it is no markup, no link and no mention of a person.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from orchestrator.cli.terminal import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_BACKTICKS = re.compile("`+")


def code(text: str) -> str:
    """A text as inline code, in one line; nothing for an empty one."""
    text = plain(" ".join(text.split()))
    if not text:
        return ""
    fence = "`" * (1 + _longest(text))
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{space}{text}{space}{fence}"


def cell(text: str) -> str:
    """A text as inline code in a cell of a table, where a bar would end the cell (GitHub Flavored Markdown, 4.10)."""
    return code(text).replace("|", "\\|")


def row(cells: Iterable[str]) -> str:
    """A row of a table: its cells are Markdown in one line each."""
    return f"| {' | '.join(cells)} |\n"


def heading(titles: Sequence[str]) -> str:
    """What a table begins with."""
    return row(titles) + row("--" for _ in titles)


def fenced(lines: Iterable[str], language: str = "") -> str:
    """Lines as a block of code."""
    text = "\n".join(plain(line) for line in lines)
    fence = "`" * max(3, 1 + _longest(text))
    return f"{fence}{language}\n{text}\n{fence}\n"


def folded(title: str, body: str) -> str:
    """A part that opens when somebody clicks on its title."""
    return f"<details><summary>{escape(plain(title))}</summary>\n\n{body}\n</details>\n\n"


def _longest(text: str) -> int:
    return max((len(run) for run in _BACKTICKS.findall(text)), default=0)


@dataclass(frozen=True)
class DocumentPart:
    """A part of a document: what it begins with, and rows that can be left out from the end on."""

    head: str
    rows: tuple[str, ...] = ()
    tail: str = ""
    #: What the rows are, for the sentence about those that are left out.
    what: str = "rows"

    def shown(self, count: int) -> str:
        """The part with its first `count` rows."""
        left = len(self.rows) - count
        note = f"\n… and {left} more {self.what}; the log of the job has all.\n" if left else ""
        return f"{self.head}{''.join(self.rows[:count])}{note}{self.tail}"


def characters(text: str) -> int:
    """How long a text is, as GitHub counts the characters of a comment: in units of UTF-16."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def octets(text: str) -> int:
    """How many bytes a text has as UTF-8."""
    return len(text.encode("utf-8", "replace"))


def fitted(parts: Sequence[DocumentPart], limit: int, size: Callable[[str], int]) -> str:
    """The document in at most `limit` of what `size` counts, with whole rows left out of the last parts first.

    A document whose heads alone are too long is cut at the end of a line.
    """
    counts = [len(part.rows) for part in parts]
    for place in range(len(parts) - 1, -1, -1):
        over = size(_whole(parts, counts)) - limit
        if over <= 0:
            break
        counts[place] = _kept(parts[place], over, size)
    text = _whole(parts, counts)
    return text if size(text) <= limit else _cut(text, limit, size)


def _kept(part: DocumentPart, over: int, size: Callable[[str], int]) -> int:
    """How many rows stay when a part gets shorter by `over`, and by the sentence about what is left out."""
    wanted = size(part.shown(len(part.rows))) - over
    count = len(part.rows)
    used = size(part.shown(0)) + 8  # the number of rows left out gets no longer than this
    for place, each in enumerate(part.rows):
        used += size(each)
        if used > wanted:
            count = place
            break
    return count


def _cut(text: str, limit: int, size: Callable[[str], int]) -> str:
    lines: list[str] = []
    for line in text.splitlines(keepends=True):
        limit -= size(line)
        if limit < 0:
            break
        lines.append(line)
    return "".join(lines)


def _whole(parts: Sequence[DocumentPart], counts: Sequence[int]) -> str:
    return "".join(part.shown(count) for part, count in zip(parts, counts, strict=True))
