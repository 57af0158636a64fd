"""How a module of `cli/commands` says that it is a command: `COMMAND`, which `main` finds there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import typer


@dataclass(frozen=True)
class CliCommand:
    """A command of `ami`."""

    name: str
    #: Its place in `ami --help`.
    order: int
    #: Its help is in its docstring and parameters.
    run: Callable[..., Any]

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

    def register(self, app: typer.Typer) -> None:
        """Make it part of `ami`."""
        app.add_typer(self.app, name=self.name, help=self.help)
