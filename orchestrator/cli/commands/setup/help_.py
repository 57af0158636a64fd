"""`ami help COMMAND`: the help of a command, as `ami COMMAND --help` prints it."""

from __future__ import annotations

from typing import Annotated

import typer
from typer.core import TyperGroup

from orchestrator.cli.command import CliCommand
from orchestrator.cli.completion import names
from orchestrator.cli.terminal import print_text
from orchestrator.errors import UsageError, did_you_mean


def help_(
    context: typer.Context,
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="COMMAND", help="A command, and one of its own: lab up.", autocompletion=names.command),
    ] = None,
) -> None:
    """Show the help of ami, or of one of its commands."""
    at = context.find_root()
    for name in command or ():
        group = at.command
        known = group.commands if isinstance(group, TyperGroup) else {}
        if name not in known:
            raise UsageError(f"there is no command '{name}'{did_you_mean(name, known)}", hint="ami help")
        at = type(at)(known[name], info_name=name, parent=at, max_content_width=at.max_content_width)
    print_text(at.get_help())


COMMAND = CliCommand("help", 110, help_)
