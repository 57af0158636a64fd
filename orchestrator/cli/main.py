"""`ami`: the command, and the one map from errors to exit codes.

Only this package talks to a person. An expected error is one line and a hint; only a bug shows a trace. Command modules
defer their heavy imports, so that `ami --help` answers at once.
"""

from __future__ import annotations

import faulthandler
import gc
import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer
from typer.exceptions import TyperException

from orchestrator.cli import commands, loudness
from orchestrator.cli.command import CONTEXT, WholeHelp
from orchestrator.cli.completion.reply import VARIABLE, complete
from orchestrator.cli.ending import Bug, end, end_of_typing
from orchestrator.cli.expected import expected
from orchestrator.cli.terminal import print_text, take_any_text
from orchestrator.errors import AmiError, Interrupted
from orchestrator.registration import modules_of

if TYPE_CHECKING:
    from orchestrator.cli.command import CliCommand, CliGroup

app = typer.Typer(
    name="ami",
    help="An image factory: layered AMIs, built with Packer and Ansible, validated over Systems Manager.",
    no_args_is_help=True,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
    cls=WholeHelp,
    context_settings=CONTEXT,
)


def _commands() -> list[CliCommand | CliGroup]:
    """Every module of `commands` and of its rooms is one."""
    return sorted((module.COMMAND for module in modules_of(commands)), key=lambda command: command.order)


@app.callback()
def _root(
    *,
    version: Annotated[
        bool, typer.Option("--version", "-V", help="Show the version of ami and end.", is_eager=True)
    ] = False,
) -> None:
    if version:
        from importlib.metadata import version as of_package

        print_text(f"ami {of_package('ami-factory')}")
        raise typer.Exit


for _command in _commands():
    _command.register(app)

#: Python's own 700 lets the garbage collector look through the definitions of many images again and again, while they
#: are read and stay; it then costs as much as reading them.
_OBJECTS_BETWEEN_COLLECTIONS = 50_000


def main() -> None:
    """Run the command line of this process, and end the process with the exit code of its error.

    SIGUSR1 lets it say on standard error where each thread stands, and go on.
    """
    with suppress(AttributeError, OSError):  # standard error may be closed, or no file
        faulthandler.register(signal.SIGUSR1, sys.stderr.fileno(), all_threads=True)
    if VARIABLE in os.environ:
        complete(typer.main.get_command(app))
        return
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    take_any_text()
    loudness.begin()
    as_json = "--json" in sys.argv
    try:
        code = app(standalone_mode=False)
    except AmiError as error:
        end(error, as_json=as_json)
    except (typer.Abort, KeyboardInterrupt):
        end(Interrupted("stopped"), as_json=as_json)
    except TyperException as error:
        end_of_typing(error, as_json=as_json)
    except Exception as error:  # noqa: BLE001 - a bug: its trace is shown, without secrets
        end(expected(error) or Bug(error), as_json=as_json)
    if code == Interrupted.exit_code:  # Ctrl-C, where no command made something of it
        end(Interrupted("stopped"), as_json=as_json)
    sys.exit(code or 0)


if __name__ == "__main__":
    main()
