"""`ami init`: a first workspace, with an image that builds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.command import CliCommand
from orchestrator.cli.options import DryRunOption
from orchestrator.cli.terminal import say
from orchestrator.errors import UsageError


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder; its name is that of the image, too.")],
    extends: Annotated[
        Path | None,
        typer.Option("--extends", metavar="DIR", help="The workspace to build on.", show_default="the factory's own"),
    ] = None,
    start: Annotated[
        str, typer.Option("--from", metavar="IMAGE", help="The image or source of that workspace to start from.")
    ] = "golden",
    dry_run: DryRunOption = False,
) -> None:
    """Write a workspace with one image, one role and its test. Overwrites nothing."""
    from orchestrator.cli.first_workspace import factory, files_of

    files = files_of(folder, extends or factory(), start)
    if there := [name for name in files if (folder / name).exists() or (folder / name).is_symlink()]:
        raise UsageError(f"{folder} has {', '.join(there)} already: nothing was written", hint="choose another folder")
    for name, text in files.items():
        path = folder / name
        if not dry_run:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        say(f"{'would write' if dry_run else 'wrote'} {path}")
    if not dry_run:
        say(f"next: cd {folder}; ami lab up; ami build {folder.resolve().name}")


COMMAND = CliCommand("init", 5, init)
