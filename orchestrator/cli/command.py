"""How a module of `cli/commands` or a room of it says that it is a command: `COMMAND`, which `main` finds there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from typer.core import TyperGroup

from orchestrator.cli.loudness import take_options
from orchestrator.cli.terminal import width_of_terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    import typer

#: Of every command. Click would stop at 80 columns on a wider terminal.
CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": width_of_terminal()}


class WholeHelp(TyperGroup):
    """Commands that are listed with their whole first sentence; Click would cut it at the end of the line.

    Each has the options that say how much it says.
    """

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        take_options(self)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write a line or more for each command."""
        each = ((name, self.commands[name]) for name in self.list_commands(ctx))
        rows = [(name, one.get_short_help_str(limit=1000)) for name, one in each if not one.hidden]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@dataclass(frozen=True)
class CliCommand:
    """A command of `ami`."""

    name: str
    #: Its place in `ami --help`.
    order: int
    #: Its help is in its docstring and parameters.
    run: Callable[..., Any]
    #: The schemas of what it prints with `--json`, such as "ami/list/1"; their shapes are in `orchestrator/contract/`.
    prints: tuple[str, ...] = ()

    def register(self, app: typer.Typer) -> None:
        """Make it part of `ami`."""
        app.command(self.name)(self.run)


@dataclass(frozen=True)
class CliGroup:
    """A command that has commands of its own."""

    name: str
    order: int
    app: typer.Typer
    help: str
    #: As a command has them, for all of its commands.
    prints: tuple[str, ...] = ()

    def register(self, app: typer.Typer) -> None:
        """Make it part of `ami`."""
        app.add_typer(self.app, name=self.name, help=self.help, cls=WholeHelp)
