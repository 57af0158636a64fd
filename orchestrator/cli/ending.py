"""How a command that failed ends: lines for people, or one line of JSON; and the exit code."""

from __future__ import annotations

import sys
import traceback
from typing import TYPE_CHECKING, Any, NoReturn

from orchestrator.cli.terminal import say, say_json
from orchestrator.errors import AmiError, DefinitionError, UsageError

if TYPE_CHECKING:
    from typer.exceptions import TyperException


class Bug(AmiError):
    """Something that nobody expected: a mistake in this program. Its message is the trace."""

    def __init__(self, error: Exception) -> None:
        super().__init__("".join(traceback.format_exception(error)).rstrip())


def end(error: AmiError, *, as_json: bool) -> NoReturn:
    """Say what happened, and end the process with the error's exit code."""
    if as_json:
        say_json(error.as_json())
    else:
        _say(error)
    sys.exit(error.exit_code)


def end_of_typing(error: TyperException, *, as_json: bool) -> NoReturn:
    """The same for a command line that has no such command, option or value."""
    shown: Any = error
    if not as_json:
        shown.show()
        sys.exit(shown.exit_code)
    context = getattr(error, "ctx", None)
    asked = f"{context.command_path} --help" if context else "ami --help"
    end(UsageError(shown.format_message(), hint=asked), as_json=True)


def _say(error: AmiError) -> None:
    if isinstance(error, Bug):
        say(error.message, always=True)
    elif isinstance(error, DefinitionError):
        say(error.message, always=True)
        count = len(error.problems)
        say(f"{count} configuration error{'s' if count != 1 else ''}", always=True)
    else:
        say(f"error: {error.message}", always=True)
    if error.hint:
        say(f"hint: {error.hint}", always=True)
