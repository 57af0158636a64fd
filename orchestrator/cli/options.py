"""Options that several commands share, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.completion import labs, names

EnvironmentOption = Annotated[
    str | None,
    typer.Option(
        "--env",
        "-e",
        help="The environment: packer/environments/NAME.pkrvars.hcl.",
        show_default=False,
        autocompletion=names.environment,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", "-n", help="Show what would be done, and do nothing.")]
KeepOption = Annotated[bool, typer.Option("--keep", help="Leave the machine that was validated running.")]
ParallelOption = Annotated[int, typer.Option("--parallel", "-p", min=1, help="How many machines at a time.")]
ParallelOrPlaceOption = Annotated[
    int | None,
    typer.Option(
        "--parallel",
        "-p",
        min=1,
        help="How many machines at a time. Default: 2; with `--on` as many as the workers have threads.",
        show_default=False,
    ),
]
OnOption = Annotated[
    str | None,
    typer.Option(
        "--on",
        metavar="ADDRESS",
        help="Let the workers of a Dask scheduler build and test: dask://HOST:PORT, or tls://HOST:PORT.",
        show_default=False,
    ),
]
RebuildOption = Annotated[bool, typer.Option("--rebuild", help="Build the named images although nothing changed.")]
RetryOption = Annotated[
    bool, typer.Option("--retry", help="Test the named images again although the same tests have rejected them.")
]
WithParentsOption = Annotated[
    bool,
    typer.Option(
        "--with-parents",
        help="Also build what the images are built on in the workspaces that this one extends. Without it, the newest "
        "validated version in the account is used.",
    ),
]
LabOption = Annotated[
    str, typer.Option("--name", help="Which lab; several can be up at once.", autocompletion=labs.name)
]
WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", "-C", help="The workspace, or a folder in it.", show_default=False)
]
HERE = Path()
