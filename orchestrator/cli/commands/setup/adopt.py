"""`ami adopt`: a Packer template as images of a workspace, and the list of what could not be carried over."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.command import CliCommand
from orchestrator.cli.options import HERE, DryRunOption, JsonOption, WorkspaceOption, YesOption
from orchestrator.cli.terminal import confirm, print_json, print_text, say
from orchestrator.errors import UsageError

if TYPE_CHECKING:
    from orchestrator.adopt.adoption import Adoption
    from orchestrator.adopt.target import FileChange, Target
    from orchestrator.contract.setup import AdoptJson
    from orchestrator.errors import Problem

_SIGNS = {"new": "+", "changed": "~", "same": "="}


def adopt(  # noqa: PLR0917 - as many parameters as options
    template: Annotated[Path, typer.Argument(help="A *.pkr.hcl or *.json file, or a folder of *.pkr.hcl.")],
    owner: Annotated[
        str, typer.Option("--owner", metavar="'TEAM <EMAIL>'", help="Who answers for the images.", show_default=False)
    ],
    to: Annotated[
        Path | None,
        typer.Option("--to", help="Write here: a workspace, or a new one, which extends the one you are in, if any."),
    ] = None,
    var: Annotated[list[str] | None, typer.Option("--var", metavar="NAME=VALUE", help="A template's variable.")] = None,
    var_file: Annotated[
        list[Path] | None, typer.Option("--var-file", help="A file with values of the template's variables.")
    ] = None,
    dry_run: DryRunOption = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that say something else.")] = False,
    workspace: WorkspaceOption = HERE,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Turn a Packer template into images of a workspace, and list what could not be carried over."""
    from orchestrator.adopt.adoption import adopt as adopted
    from orchestrator.adopt.reading.template import read_template
    from orchestrator.adopt.target import changes_of, problems_of_result, target_of, write
    from orchestrator.cli.scaffold.owner import owner_of

    who = owner_of(owner)
    read = read_template(template, dict(_assignments(var or [])), var_file or [])
    target = target_of(to, workspace)
    adoption = adopted(read, target.workspace, who, force=force, requirements=target.requirements)
    changes = changes_of(adoption, target, force=force)
    if not as_json:
        _print(adoption, changes, target, contents=dry_run)
    problems: list[Problem] = []
    if not dry_run:
        confirm(f"Write these files into {target.folder}?", yes=yes)
        write(changes, target)
        problems = list(problems_of_result(target))
    if as_json:
        print_json(_as_json(adoption, changes, target, problems))
        return
    for problem in problems:
        say(f"still to mend: {problem}", always=True)
    if not dry_run:
        say(f"next: cd {target.folder} && ami plan {' '.join(adoption.images)}")


def _assignments(written: list[str]) -> list[tuple[str, str]]:
    for one in written:
        if "=" not in one:
            raise UsageError(f"--var {one}: write NAME=VALUE")
    return [(one.split("=", 1)[0], one.split("=", 1)[1]) for one in written]


def _print(adoption: Adoption, changes: list[FileChange], target: Target, *, contents: bool) -> None:
    for change in changes:
        print_text(f"{_SIGNS[change.change]} {target.folder / change.file.relative}")
        for line in _shown(change.file.content) if contents and change.change != "same" else ():
            print_text(f"    {line}")
    for note in adoption.notes:
        print_text(f"note: {note}")
    listed = adoption.ledger.entries()
    print_text(f"not carried over ({len(listed)}):" if listed else "everything was carried over")
    for entry in listed:
        print_text(f"  {entry}")


def _shown(content: bytes) -> list[str]:
    try:
        return content.decode().splitlines()
    except UnicodeDecodeError:
        return [f"({len(content)} bytes)"]


def _as_json(adoption: Adoption, changes: list[FileChange], target: Target, problems: list[Problem]) -> AdoptJson:
    return {
        "schema": "ami/adopt/1",
        "folder": str(target.folder),
        "images": [{"image": name} for name in adoption.images],
        "files": [{"file": change.file.relative, "change": change.change} for change in changes],
        "not_carried": [entry.as_json() for entry in adoption.ledger.entries()],
        "notes": list(adoption.notes),
        "problems": [one.as_json() for one in problems],
    }


COMMAND = CliCommand("adopt", 85, adopt, prints=("ami/adopt/1",))
