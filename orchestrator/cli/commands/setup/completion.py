"""`ami completion install | show`: names of commands, options, images, environments, AMIs at the press of Tab."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.command import CliGroup
from orchestrator.cli.completion import names
from orchestrator.cli.options import DryRunOption
from orchestrator.cli.terminal import print_file, say

app = typer.Typer(no_args_is_help=True)

_SHELL = "bash, zsh or fish; without it your own (SHELL)."


@app.command("install")
def install(
    shell: Annotated[
        str | None,
        typer.Option("--shell", metavar="SHELL", help=_SHELL, autocompletion=names.shell, show_default=False),
    ] = None,
    dry_run: DryRunOption = False,
) -> None:
    """Install completion for one shell of yours: a file, and a line at the end of the shell's start file."""
    from orchestrator.cli.completion.shells import SCRIPTS, place_of, shell_named, start_file

    which, home = shell_named(shell), Path.home()
    path = place_of(which, home)
    if dry_run:
        say(f"would write {path}")
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SCRIPTS[which], encoding="utf-8")
        say(f"wrote {path}")
    started = start_file(which, home)
    if started is not None:
        _add_line(*started, dry_run=dry_run)
    say(f"it works in each new {which}; in this one after: exec {which}")


@app.command("show")
def show(
    shell: Annotated[
        str | None,
        typer.Argument(metavar="SHELL", help=_SHELL, autocompletion=names.shell, show_default=False),
    ] = None,
) -> None:
    """Print the script of a shell, to install it by hand or for all people of a machine."""
    from orchestrator.cli.completion.shells import SCRIPTS, shell_named

    print_file(SCRIPTS[shell_named(shell)])


def _add_line(file: Path, line: str, *, dry_run: bool) -> None:
    """Add a line to a file of the person's own, once."""
    text = file.read_text(encoding="utf-8", errors="surrogateescape") if file.exists() else ""
    if line in text.splitlines():
        return
    if dry_run:
        say(f"would add to {file}: {line}")
        return
    with file.open("a", encoding="utf-8") as open_file:
        open_file.write(("" if not text or text.endswith("\n") else "\n") + line + "\n")
    say(f"added to {file}: {line}")


COMMAND = CliGroup("completion", 105, app, "Completion of commands and names in bash, zsh and fish.")
