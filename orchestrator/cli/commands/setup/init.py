"""`ami init`: a first workspace, with an image that builds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.command import CliCommand
from orchestrator.cli.options import HERE, DryRunOption, YesOption
from orchestrator.cli.terminal import ask, say

if TYPE_CHECKING:
    from orchestrator.definition.image import Owner

OwnerOption = Annotated[
    str | None,
    typer.Option("--owner", metavar="'TEAM <EMAIL>'", help="Who answers for the image.", show_default=False),
]
ExtendsOption = Annotated[
    str | None,
    typer.Option(
        "--extends",
        metavar="DIR|URL",
        help="Another workspace to build on: a folder, or a git repository.",
        show_default=False,
    ),
]
RefOption = Annotated[
    str, typer.Option("--ref", metavar="REF", help="With a URL: the tag or branch.", show_default=False)
]
WithinOption = Annotated[
    str,
    typer.Option(
        "--folder",
        metavar="FOLDER",
        help="With a URL: where its ami.yml is, if not at the top.",
        show_default=False,
    ),
]
StartOption = Annotated[
    str,
    typer.Option(
        "--from",
        metavar="IMAGE",
        help="With --extends: the image or source of that workspace to start from.",
        show_default="golden, or its first image",
    ),
]
CiOption = Annotated[
    str | None,
    typer.Option("--ci", metavar="SERVICE", help="Also write the pipeline of github, gitlab or jenkins, as `ami ci`."),
]


def init(  # noqa: PLR0917 - as many parameters as options
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR", help="Its name is that of the workspace and of its image.", show_default="this folder"
        ),
    ] = HERE,
    extends: ExtendsOption = None,
    ref: RefOption = "",
    within: WithinOption = "",
    start: StartOption = "",
    owner: OwnerOption = None,
    ci: CiOption = None,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Write a workspace with one image, one role and its test. Overwrites nothing."""
    from orchestrator.cli.pipelines.planning import absent_files
    from orchestrator.cli.scaffold.extending import AskedExtends, extended_by
    from orchestrator.cli.scaffold.names import name_of
    from orchestrator.cli.scaffold.new_files import refuse_present, write_new
    from orchestrator.cli.scaffold.workspace import FILE, factory_files, team_files
    from orchestrator.errors import UsageError

    for option, given in (("--from", start), ("--ref", ref), ("--folder", within)):
        if given and not extends:
            raise UsageError(f"{option} is for a workspace that extends another one", hint="name that: --extends DIR")
    name = name_of(folder)
    refuse_present(folder, [FILE])
    pipeline = absent_files(ci, folder) if ci else []
    on = extended_by(folder, name, AskedExtends(extends, ref, within, start)) if extends else None
    who = _owner(owner, name, asks=not (yes or dry_run))
    write_new(folder, team_files(name, who, on) if on else factory_files(name, who), dry_run=dry_run)
    for file in pipeline if dry_run else ():
        say(f"would write {os.path.relpath(file)}")
    if not dry_run:
        if ci:
            _write_pipeline(ci, folder)
        go = "" if folder.resolve() == Path.cwd() else f"cd {folder}; "
        say(f"next: {go}ami lab up; ami build {name}{' --with-parents' if on else ''}")


def _write_pipeline(service: str, workspace: Path) -> None:
    from orchestrator.cli.pipelines.facts import AskedPipeline
    from orchestrator.cli.pipelines.planning import files_of

    for file in files_of(service, workspace, AskedPipeline()):
        file.write()
        say(f"wrote {os.path.relpath(file.place)}")


def _owner(written: str | None, name: str, *, asks: bool) -> Owner:
    """Who answers for the image: as it was typed, or is typed now."""
    from orchestrator.cli.scaffold.owner import owner_of

    default = f"{name} <{name}@example.com>"
    if written is None and asks:
        written = ask("Who answers for the image? TEAM <EMAIL>", default)
    return owner_of(default if written is None else written)


COMMAND = CliCommand("init", 5, init)
