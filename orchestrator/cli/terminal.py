"""How the command line speaks: results on standard output, everything about the work on standard error.

Nothing else in this package writes to a terminal: here secrets are taken out, each text by itself, and in the job of a
CI service whatever its log would act on.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import typer

from orchestrator.cli.ci import spoken
from orchestrator.cli.ci.service import Annotation, printable
from orchestrator.cli.loudness import quiet
from orchestrator.errors import Interrupted, UsageError
from orchestrator.masks import hidden, hide

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Select Graphic Rendition (ECMA-48, 8.3.117).
_STYLES = {"bold": "\x1b[1m", "red": "\x1b[31m", "green": "\x1b[32m", "yellow": "\x1b[33m", "end": "\x1b[0m"}


def take_any_text() -> None:
    """Let standard output, as standard error does, escape what it has no bytes for: words of a test that failed."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def say(text: str = "", *, always: bool = False) -> None:
    """A line for the person at work; scripts that read standard output never see it.

    With `--quiet` nobody does, unless it is `always` said: what went wrong, and what a question is about.
    """
    if always or not quiet():
        _write(spoken.harmless(hide(text)))


def say_annotation(one: Annotation) -> None:
    """Have the CI service show an annotation, if it has a way to; its log shows the message, too."""
    spoken.annotate(replace(one, message=hide(one.message), title=hide(one.title)))


def print_text(text: str = "") -> None:
    """A result as text."""
    typer.echo(spoken.harmless(hide(text)))


def print_file(text: str) -> None:
    """A result that is a file, as it is: a program will read it."""
    typer.echo(hide(text), nl=False)


def print_json(value: Mapping[str, Any]) -> None:
    """A result as JSON: an object of one of the shapes in `orchestrator/contract/`, whose name is its `schema`."""
    typer.echo(_json({"schema": value["schema"], **value}, indent=2))


def say_json(value: Mapping[str, Any]) -> None:
    """An error as one line of JSON on standard error, the last that stands there."""
    _write(_json(value))


def _write(text: str) -> None:
    """A line on standard error. Not by Typer: it writes past a board that is drawn, which makes room for a print."""
    print(text, file=sys.stderr)  # noqa: T201


def _json(value: Mapping[str, Any], indent: int | None = None) -> str:
    return spoken.harmless_json(json.dumps(hidden(value), indent=indent, ensure_ascii=False, default=str))


def plain(text: str) -> str:
    """A text from outside as one line that no terminal takes for a command: control characters become escapes."""
    return printable(hide(text)).replace("\t", "\\t")


def width_of_terminal() -> int:
    """The columns of the terminal that results go to; COLUMNS goes over what it says of itself."""
    return shutil.get_terminal_size().columns


def colour(text: str, *styles: str) -> str:
    """A text in ANSI styles where standard output shows them: on a terminal, unless NO_COLOR is set (no-color.org)."""
    plain_only = spoken.service() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    if not sys.stdout.isatty() or plain_only or not text:
        return text
    return "".join(_STYLES[style] for style in styles) + text + _STYLES["end"]


def duration(seconds: float) -> str:
    """A span of time for a person: `45 s`, `3 min`, `1 h 20 min`."""
    if seconds < 100:  # noqa: PLR2004 - where minutes read better
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"  # noqa: PLR2004 - of an hour


def confirm(question: str, *, yes: bool, default: bool = True) -> None:
    """Ask before the world is changed; `default` is what Enter alone answers. Nobody is asked with `--yes`.

    Raises Interrupted when the answer is no, or Ctrl-C; and UsageError without a terminal, where nobody can be asked.
    """
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            "nobody can be asked without a terminal, and nothing was changed",
            hint="--yes goes ahead without a question; --dry-run only shows what would be done",
        )
    try:
        agreed = typer.confirm(hide(question), default=default, err=True)
    except typer.Abort:
        say(always=True)
        agreed = False
    if not agreed:
        raise Interrupted("nothing was changed")


def ask(question: str, default: str) -> str:
    """What somebody answers, Enter alone being the default; without a terminal nobody is asked.

    Raises Interrupted for Ctrl-C.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return default
    try:
        answer: str = typer.prompt(hide(question), default=default, err=True)
    except typer.Abort:
        say(always=True)
        raise Interrupted("nothing was changed") from None
    return answer
