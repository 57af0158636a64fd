"""`ami`: the command, and the one map from errors to exit codes.

Only this package talks to a person. An expected error is one line and a hint; only a bug shows a trace. Command modules
defer their heavy imports, so that `ami --help` answers at once.
"""

from __future__ import annotations

import errno
import gc
import os
import sys
import traceback
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli import commands
from orchestrator.cli.command import CONTEXT, WholeHelp
from orchestrator.cli.completion.reply import VARIABLE, complete
from orchestrator.cli.terminal import print_text, say, take_any_text
from orchestrator.errors import AmiError, DefinitionError, LackError
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

#: A disk that is full, a quota that is used up, a file system that is read-only.
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
#: What to do about a refusal of the operating system. Other numbers get their own text alone.
_MENDS = {
    **dict.fromkeys(_DISK, "df -h; then run the command again"),
    **dict.fromkeys(
        (errno.EACCES, errno.EPERM), "ls -ld the path and the folders above it; `id` says who you are here"
    ),
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), "ulimit -n 4096; then run the command again"),
    **dict.fromkeys((errno.ENOMEM, errno.EAGAIN), "free -m, ulimit -u; then run the command again"),
    errno.ENAMETOOLONG: "use a folder with a shorter path",
}


def main() -> None:
    """Run the command line of this process, and end the process with the exit code of its error."""
    if VARIABLE in os.environ:
        complete(typer.main.get_command(app))
        return
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    take_any_text()
    try:
        app()
    except AmiError as error:
        _say(error)
        sys.exit(error.exit_code)
    except Exception as error:  # noqa: BLE001 - a bug: its trace is shown, without secrets
        lack = _refusal_of_system(error) or _aws_lack(error)
        if lack is None:
            say("".join(traceback.format_exception(error)).rstrip())
            sys.exit(1)
        _say(lack)
        sys.exit(lack.exit_code)


def _say(error: AmiError) -> None:
    if isinstance(error, DefinitionError):
        say(error.message)
        count = len(error.problems)
        say(f"{count} configuration error{'s' if count != 1 else ''}")
    else:
        say(f"error: {error.message}")
    if error.hint:
        say(f"hint: {error.hint}")


def _refusal_of_system(error: BaseException | None) -> AmiError | None:
    """What a "no" of the operating system means to a person, also when it caused the error; None for another error."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _MENDS:
            where = f" ({error.filename})" if error.filename else ""
            verb = "cannot write" if error.errno in _DISK else "says no"
            what = f"this machine {verb}{where}: {error.strerror}"
            return LackError(what, hint=_MENDS[error.errno])
        error = error.__cause__
    return None


def _aws_lack(error: Exception) -> AmiError | None:
    """What a refusal of AWS means to a person; None for an error that is ours."""
    if "botocore" not in sys.modules:
        return None
    from orchestrator.aws.account import refusal

    return refusal(error)


if __name__ == "__main__":
    main()
