"""How the command line speaks: results on standard output, everything about the work on standard error.

Nothing else in this package writes to a terminal: here secrets are taken out, each text by itself.
"""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING, Any

import typer

from orchestrator.errors import Interrupted
from orchestrator.masks import hidden, hide

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def take_any_text() -> None:
    """Let standard output, as standard error does, escape what it has no bytes for: words of a test that failed."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def say(text: str = "") -> None:
    """A line for the person at work; scripts that read standard output never see it."""
    typer.echo(hide(text), err=True)


def print_text(text: str = "", *, newline: bool = True) -> None:
    """A result as text."""
    typer.echo(hide(text), nl=newline)


def print_json(value: Any) -> None:
    """A result as JSON."""
    typer.echo(json.dumps(hidden(value), indent=2, ensure_ascii=False, default=str))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A result as a table: aligned columns, as wide as it takes when nobody watches."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(*columns, box=box.SIMPLE, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*map(hide, row))
    width = None if sys.stdout.isatty() else 200
    Console(width=width, highlight=False, markup=False).print(table)


def duration(seconds: float) -> str:
    """A span of time for a person: `45 s`, `3 min`, `1 h 20 min`."""
    if seconds < 100:  # noqa: PLR2004 - where minutes read better
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"  # noqa: PLR2004 - of an hour


def confirm(question: str, *, yes: bool) -> None:
    """Ask before the world is changed. Nobody is asked with `--yes`, nor when no terminal is there to answer.

    Raises Interrupted when the answer is no.
    """
    if yes or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return
    if not typer.confirm(hide(question), default=True, err=True):
        raise Interrupted("nothing was changed")
