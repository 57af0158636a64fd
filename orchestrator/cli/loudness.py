"""How a command speaks: how much it says (`-q`, `-v`, `--log-level`), and to which CI service (`--ci`).

Each command gets these options when it is registered, and so does `ami` itself: `ami -q build` is `ami build -q`.
"""

from __future__ import annotations

import logging
import sys
from enum import IntEnum, StrEnum
from functools import cache
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.ci import spoken
from orchestrator.errors import UsageError
from orchestrator.masks import hide

if TYPE_CHECKING:
    from typer.core import TyperGroup


class Loudness(IntEnum):
    """What standard error gets."""

    QUIET = 0
    """Errors and questions alone."""
    NORMAL = 1
    VERBOSE = 2
    """Every test and every task."""


class LogLevel(StrEnum):
    """From which level on messages of the log are shown."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class _Speech:
    """What was asked for in this process."""

    loudness = Loudness.NORMAL
    level: LogLevel | None = None


_SPEECH = _Speech()
#: Unless `--log-level` says otherwise.
_LEVELS = {Loudness.QUIET: LogLevel.ERROR, Loudness.NORMAL: LogLevel.WARNING, Loudness.VERBOSE: LogLevel.INFO}


class _Log(logging.Handler):
    """Writes the log to standard error, as it is at that moment, without secrets."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line, or more when the message has them."""
        try:
            print(spoken.harmless(hide(self.format(record))), file=sys.stderr)  # noqa: T201 - as terminal.py does
        except Exception:  # noqa: BLE001 - as every handler does: a log never breaks the work
            self.handleError(record)


_LOG = _Log()
_LOG.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S"))


def begin() -> None:
    """Say as much as usual, write warnings of the log, and speak to the CI service whose job this is."""
    spoken.begin()
    _SPEECH.loudness, _SPEECH.level = Loudness.NORMAL, None
    root = logging.getLogger()
    if _LOG not in root.handlers:
        root.addHandler(_LOG)
    _apply()


def quiet() -> bool:
    """Whether only results and errors are wanted."""
    return _SPEECH.loudness is Loudness.QUIET


def verbose() -> bool:
    """Whether every detail is wanted."""
    return _SPEECH.loudness is Loudness.VERBOSE


def take_options(group: TyperGroup) -> None:
    """Give the options to a group and to its commands. A command keeps an option of its own with the same name."""
    for command in (group, *group.commands.values()):
        known = {option for one in command.params for option in one.opts}
        command.params += [one for one in _options() if known.isdisjoint(one.opts)]


def _apply() -> None:
    level = _SPEECH.level or _LEVELS[_SPEECH.loudness]
    logging.getLogger("orchestrator").setLevel(level.upper())


def _set(loudness: Loudness) -> None:
    if _SPEECH.loudness not in (Loudness.NORMAL, loudness):
        raise UsageError("--quiet says less, and --verbose says more", hint="say one of them")
    _SPEECH.loudness = loudness
    _apply()


def _take_quiet(*, value: bool) -> None:
    if value:
        _set(Loudness.QUIET)


def _take_verbose(*, value: bool) -> None:
    if value:
        _set(Loudness.VERBOSE)


def _take_level(value: LogLevel | None) -> None:
    if value is not None:
        _SPEECH.level = value
        _apply()


def _take_service(value: str | None) -> None:
    if value is not None:
        spoken.choose(value)


@cache
def _options() -> list[typer.core.TyperOption]:
    app = typer.Typer(add_completion=False)

    @app.command()
    def _declared(
        quiet: Annotated[
            bool,
            typer.Option("--quiet", "-q", help="Print results and errors only.", callback=_take_quiet),
        ] = False,
        verbose: Annotated[
            bool, typer.Option("--verbose", "-v", help="Print every test and task.", callback=_take_verbose)
        ] = False,
        log_level: Annotated[
            LogLevel | None,
            typer.Option(
                "--log-level",
                metavar="LEVEL",
                help="Print the log from debug, info, warning or error on. debug: each call of AWS, each program.",
                callback=_take_level,
                show_default=False,
            ),
        ] = None,
        ci: Annotated[
            str | None,
            typer.Option(
                "--ci",
                metavar="SERVICE",
                help="Speak to this CI service: github, gitlab, jenkins or none. Default: the one whose job this is.",
                callback=_take_service,
                show_default=False,
            ),
        ] = None,
    ) -> None: ...

    options = [one for one in typer.main.get_command(app).params if isinstance(one, typer.core.TyperOption)]
    options = [one for one in options if "--help" not in one.opts]
    for one in options:
        one.expose_value = False
    return options
