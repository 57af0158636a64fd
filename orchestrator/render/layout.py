"""Indentation and alignment as `packer fmt` wants them, so that templates need not care.

The rules are hclwrite's (hashicorp/hcl, hclwrite/format.go: formatIndents and formatCells). Only the white space at
the start of a line and before an attribute's `=` is touched; heredocs are left as they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEREDOC = re.compile(r"<<-?([A-Za-z_][A-Za-z0-9_-]*)$")
_TOKEN = re.compile(
    r"""
      (?P<escape> \\. | \$\$\{ | %%\{ )
    | (?P<interpolation> [$%]\{ )
    | (?P<quote> " )
    | (?P<open> [\[({] )
    | (?P<close> [\])}] )
    | (?P<comment> \#.* | //.* )
    | (?P<operator> [=!<>]=|=> )
    | (?P<equals> = )
    | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass
class _Line:
    """A line without its indentation: the brackets it opens (negative: closes), and its two cells."""

    lead: str
    assign: str = ""
    net: int = 0
    fixed: bool = False
    depth: int = 0


@dataclass
class _Indents:
    """The brackets opened by each line that is still open."""

    stack: list[int] = field(default_factory=list)

    def depth_of(self, net: int) -> int:
        """The depth of a line that opens or closes `net` brackets; what it opens counts for the lines below."""
        if net > 0:
            self.stack.append(net)
            return len(self.stack) - 1
        closed = -net
        while closed and self.stack:
            taken = min(closed, self.stack[-1])
            closed -= taken
            self.stack[-1] -= taken
            if not self.stack[-1]:
                self.stack.pop()
        return len(self.stack)


def laid_out(text: str) -> str:
    """`text` indented and aligned; no blank lines at its ends, never two in a row, one newline at the end."""
    lines = list(_lines(text))
    indents = _Indents()
    for line in lines:
        if not line.fixed:
            line.depth = indents.depth_of(line.net)
    _align(lines)
    written = "\n".join(_written(line) for line in lines)
    return re.sub(r"\n{3,}", "\n\n", written).strip("\n") + "\n"


def _lines(text: str) -> Iterator[_Line]:
    end = ""
    for raw in text.split("\n"):
        if end:
            yield _Line(raw, fixed=True)
            end = "" if raw.strip() == end else end
            continue
        line = _cells(raw.strip())
        yield line
        heredoc = _HEREDOC.search(line.lead + line.assign)
        end = heredoc[1] if heredoc else ""


def _cells(text: str) -> _Line:
    net, equals = _scanned(text)
    # An attribute whose value goes on in the next lines is not aligned with its neighbours.
    if equals <= 0 or _scanned(text[equals:])[0] != 0:
        return _Line(text, net=net)
    return _Line(text[:equals].rstrip(), assign=text[equals:], net=net)


@lru_cache(maxsize=8192)  # most lines of a file stand in those of other images, too
def _scanned(text: str) -> tuple[int, int]:
    """(brackets opened less brackets closed, place of the first `=` that is an assignment or -1)."""
    net, equals = 0, -1
    within: list[str] = []  # quotes, interpolations and braces that are open, the innermost last
    for token in _TOKEN.finditer(text):
        kind, said = token.lastgroup, token[0]
        quoted = within[-1:] == ['"']
        if kind == "quote":
            within.pop() if quoted else within.append(said)
        elif (kind == "open" and not quoted) or kind == "interpolation":
            within.append(said)
            net += 1
        elif quoted:
            continue
        elif kind == "comment":
            break
        elif kind == "close":
            del within[-1:]
            net -= 1
        elif kind == "equals" and equals < 0:
            equals = token.start()
    return net, equals


def _align(lines: list[_Line]) -> None:
    chain: list[_Line] = []
    for line in [*lines, _Line("")]:
        if line.assign and not line.fixed:
            chain.append(line)
            continue
        width = max((len(one.lead) + 2 * one.depth for one in chain), default=0)
        for one in chain:
            one.lead = one.lead.ljust(width - 2 * one.depth)
        chain = []


def _written(line: _Line) -> str:
    if line.fixed:
        return line.lead
    text = f"{line.lead} {line.assign}" if line.assign else line.lead
    return "  " * line.depth + text if text else ""
