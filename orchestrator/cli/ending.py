"""How a command that failed ends: lines for people, annotations, or one line of JSON; and the exit code."""

from __future__ import annotations

import sys
import traceback
from typing import TYPE_CHECKING, Any, NoReturn

from orchestrator.cli.ci import spoken
from orchestrator.cli.ci.annotate import annotation_of, line_for
from orchestrator.cli.ci.service import Annotation
from orchestrator.cli.terminal import say, say_annotation, say_json
from orchestrator.errors import AmiError, DefinitionError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typer.exceptions import TyperException


class Bug(AmiError):
    """Something that nobody expected: a mistake in this program. Its message is the trace."""

    def __init__(self, error: Exception) -> None:
        super().__init__("".join(traceback.format_exception(error)).rstrip())


def end(error: AmiError, *, as_json: bool) -> NoReturn:
    """Say what happened, and end the process with the error's exit code."""
    if spoken.service():
        from orchestrator.cli.job.credentials import in_job
        from orchestrator.cli.job.report import report_error

        error = in_job(error)
        report_error(error)
    if as_json:
        for one in _annotations(error):
            say_annotation(one)
        say_json(error.as_json())
    else:
        _say(error)
    sys.exit(error.exit_code)


def end_of_typing(error: TyperException, *, as_json: bool) -> NoReturn:
    """The same for a command line that has no such command, option or value."""
    shown: Any = error
    if not as_json and spoken.service() is None:
        shown.show()
        sys.exit(shown.exit_code)
    context = getattr(error, "ctx", None)
    asked = f"{context.command_path} --help" if context else "ami --help"
    end(UsageError(shown.format_message(), hint=asked), as_json=as_json)


def _annotations(error: AmiError) -> Iterable[Annotation]:
    """What the service shows of an error: each mistake at its line, or the whole at the job."""
    if isinstance(error, DefinitionError):
        return [annotation_of(problem) for problem in error.problems]
    return [Annotation("error", error.message + (f"\nhint: {error.hint}" if error.hint else ""))]


def _say(error: AmiError) -> None:
    annotations = _annotations(error)
    shown = not isinstance(error, Bug) and all(map(line_for, annotations))
    for one in annotations if shown else ():  # the log shows their messages
        say_annotation(one)
    if not shown:
        say(error.message if isinstance(error, Bug | DefinitionError) else f"error: {error.message}", always=True)
    if isinstance(error, DefinitionError):
        count = len(error.problems)
        say(f"{count} configuration error{'s' if count != 1 else ''}", always=True)
    if error.hint and (isinstance(error, DefinitionError) or not shown):
        say(f"hint: {error.hint}", always=True)
