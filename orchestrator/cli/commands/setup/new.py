"""`ami new image | role | layer | environment`: files to begin with, in a workspace that is there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.command import CliGroup
from orchestrator.cli.completion import names
from orchestrator.cli.options import HERE, DryRunOption, WorkspaceOption
from orchestrator.cli.terminal import say

if TYPE_CHECKING:
    from collections.abc import Mapping

app = typer.Typer(no_args_is_help=True)

RolesOption = Annotated[
    list[str] | None,
    typer.Option("--role", metavar="ROLE", help="A role that it has; again for each.", autocompletion=names.role),
]


@app.command("image")
def image(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Such as web or customer-portal.")],
    start: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="IMAGE",
            help="The image or source that it starts from.",
            show_default="as the first image here",
            autocompletion=names.image,
        ),
    ] = "",
    layers: Annotated[
        list[str] | None,
        typer.Option(
            "--layer",
            metavar="LAYER",
            help="A layer that it has; again for each. The roles are in the last one.",
            show_default="as the first image here",
        ),
    ] = None,
    roles: RolesOption = None,
    owner: Annotated[
        str | None,
        typer.Option(
            "--owner",
            metavar="'TEAM <EMAIL>'",
            help="Who answers for it.",
            show_default="that of the first image here",
        ),
    ] = None,
    workspace: WorkspaceOption = HERE,
    dry_run: DryRunOption = False,
) -> None:
    """Write the definition of an image, like the images that are there."""
    from orchestrator.cli.scaffold import names as rules
    from orchestrator.cli.scaffold.image import image_like
    from orchestrator.cli.scaffold.owner import owner_of
    from orchestrator.definition.workspace import load

    rules.IMAGE.check(name)
    loaded = load(workspace, whole=False)
    who = owner_of(owner) if owner is not None else None
    new = image_like(loaded, name, owner=who, start=start, layers=layers or [], roles=roles or [])
    _write(loaded.root, {new.path: new.text()}, dry_run=dry_run, then=f"ami plan {name}")


@app.command("role")
def role(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Such as nginx or customer_portal.")],
    workspace: WorkspaceOption = HERE,
    dry_run: DryRunOption = False,
) -> None:
    """Write a role with one task, and its test."""
    from orchestrator.cli.scaffold import names as rules
    from orchestrator.cli.scaffold.role import role_files
    from orchestrator.definition.workspace import load
    from orchestrator.errors import UsageError

    rules.ROLE.check(name)
    loaded = load(workspace, whole=False)
    if name in loaded.roles:
        raise UsageError(f"there is a role '{name}' already: {_short(loaded.roles[name].path)}")
    then = f"name it in a layer of an image: roles: [{name}]"
    _write(loaded.root, role_files(name), dry_run=dry_run, then=then)


@app.command("layer")
def layer(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Such as app or monitoring.")],
    after: Annotated[
        str | None,
        typer.Option("--after", metavar="LAYER", help="The layer that it follows.", show_default="the last one"),
    ] = None,
    roles: RolesOption = None,
    workspace: WorkspaceOption = HERE,
    dry_run: DryRunOption = False,
) -> None:
    """Add a layer to ami.yml, where all else stays as it is written."""
    from orchestrator.cli.scaffold import names as rules
    from orchestrator.cli.scaffold.layer import with_layer
    from orchestrator.definition.reading.document import read
    from orchestrator.definition.workspace import load
    from orchestrator.definition.workspace_file import FILE
    from orchestrator.errors import UsageError, did_you_mean
    from orchestrator.files.whole_file import write_whole

    rules.LAYER.check(name)
    loaded = load(workspace, whole=False)
    if name in loaded.layers:
        raise UsageError(f"there is a layer '{name}' already", hint=f"layers, in order: {', '.join(loaded.layers)}")
    if name in rules.NO_LAYERS:
        raise UsageError(f"no layer may be called '{name}'", hint="choose another name")
    for one in roles or []:
        if one not in loaded.roles:
            raise UsageError(f"no role '{one}'{did_you_mean(one, loaded.roles)}", hint=f"ami new role {one}")
    path = loaded.root / FILE
    document = read(path, [])
    if document is None:
        raise AssertionError("a loaded workspace has its file")
    text = with_layer(document, path.read_text(encoding="utf-8-sig"), name, roles=roles or [], after=after)
    if not dry_run:
        write_whole(path, text)
    say(f"{'would add' if dry_run else 'added'} the layer '{name}' to {_short(path)}")
    if not dry_run:
        say(f"next: name it in the layers of an image, such as: {name}: {{roles: [ROLE]}}")


@app.command("environment")
def environment(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Such as dev or prod-eu.")],
    region: Annotated[
        str,
        typer.Option("--region", metavar="REGION", help="Where it builds, such as eu-central-1.", show_default=False),
    ],
    profile: Annotated[
        str,
        typer.Option(
            "--profile", metavar="PROFILE", help="A profile of ~/.aws/config.", show_default="your shell's credentials"
        ),
    ] = "",
    workspace: WorkspaceOption = HERE,
    dry_run: DryRunOption = False,
) -> None:
    """Write an environment for an account on AWS."""
    from orchestrator.cli.scaffold import names as rules
    from orchestrator.cli.scaffold.environment import account_text, path_of
    from orchestrator.definition.workspace import load
    from orchestrator.errors import UsageError

    rules.ENVIRONMENT.check(name)
    loaded = load(workspace, whole=False)
    if name in loaded.environments or name in loaded.broken_environments:
        raise UsageError(f"there is an environment '{name}' already", hint="choose another name")
    files = {path_of(name): account_text(name, region, profile)}
    _write(loaded.root, files, dry_run=dry_run, then=f"ami doctor --env {name}")


def _write(root: Path, files: Mapping[str, str], *, dry_run: bool, then: str) -> None:
    from orchestrator.cli.scaffold.new_files import write_new

    write_new(Path(_short(root)), files, dry_run=dry_run)
    if not dry_run:
        say(f"next: {then}")


def _short(path: Path) -> str:
    """A path as somebody in this folder would type it."""
    return os.path.relpath(path)


COMMAND = CliGroup("new", 6, app, "Write files to begin with: an image, a role, a layer or an environment.")
