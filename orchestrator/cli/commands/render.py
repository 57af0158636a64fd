"""`ami render`: the Packer HCL of an image, for reading and for building by hand."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.command import CliCommand
from orchestrator.cli.completion import names
from orchestrator.cli.options import HERE, WorkspaceOption
from orchestrator.cli.terminal import print_file, say

if TYPE_CHECKING:
    from orchestrator.definition.workspace import Workspace
    from orchestrator.render.packer import PackerSet


def render(
    image: Annotated[str, typer.Argument(help="An image of the workspace.", autocompletion=names.image)],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write IMAGE.pkr.hcl into this folder.")] = None,
    packer: Annotated[
        str | None,
        typer.Option("--packer", help="Render for this version of Packer, such as 1.16.", show_default="the one here"),
    ] = None,
    amazon: Annotated[
        str | None,
        typer.Option(
            "--amazon",
            help="The version of its Amazon plugin, such as 1.8; with --packer alone, the oldest that is served.",
            show_default="the one here",
        ),
    ] = None,
    ansible: Annotated[
        str | None,
        typer.Option("--ansible", help="The version of its Ansible plugin.", show_default="the one here"),
    ] = None,
    workspace: WorkspaceOption = HERE,
) -> None:
    """Render the Packer HCL of an image."""
    from orchestrator.cli.opened import opened
    from orchestrator.errors import LackError
    from orchestrator.plan.stack import outlines
    from orchestrator.render.levels import link_levels
    from orchestrator.render.packer import Renderer

    loaded = opened(workspace, images=[image])
    if out is None:
        loaded.image(image)  # of several variants only one can be printed
    names = loaded.selected([image])
    segments = [one for one in outlines(loaded, names) if one.name in names]
    renderer = Renderer(loaded, _packers(loaded, packer or "", amazon or "", ansible or ""))
    homes = {loaded.home(one.name).root: loaded.home(one.name) for one in segments}
    for home in homes.values():
        if home is not loaded:
            say(f"note: '{image}' belongs to the workspace '{home.name}', and builds by hand in {home.root}")
        with suppress(LackError):  # to read it, nobody needs them
            link_levels(home)
    if out is None:
        print_file(renderer.text(segments[0]))
        with suppress(LackError):  # for whoever builds it by hand; where nothing can be written, it can be read
            link_levels(segments[0].home(loaded))
        return
    out.mkdir(parents=True, exist_ok=True)
    for segment in segments:
        say(f"wrote {renderer.write(segment, out)}")


def _packers(workspace: Workspace, packer: str, amazon: str, ansible: str) -> PackerSet:
    """The versions that were named; those that were not are what is installed, or the oldest that are served.

    Raises UsageError for a version that is none or is not served, LackError when no Packer is installed or named.
    """
    from orchestrator.build.packer import installed
    from orchestrator.errors import LackError, UsageError
    from orchestrator.render.packer import packer_set

    if packer:
        try:
            return packer_set(packer, amazon=amazon, ansible=ansible)
        except LackError as wrong:
            raise UsageError(f"--packer: {wrong.message}", hint="a number such as 1.16") from None
    there = installed.packer()
    if amazon and ansible:
        return packer_set(there.version, amazon=amazon, ansible=ansible)
    asked = installed.asked_by_frame(there, workspace.required_plugins)
    here = {one.requirement.name: one.plugin for one in installed.looked_up(there, asked, workspace.root)}
    found = {name: plugin.version for name in ("amazon", "ansible") if (plugin := here.get(name))}
    return packer_set(
        there.version, amazon=amazon or found.get("amazon", ""), ansible=ansible or found.get("ansible", "")
    )


COMMAND = CliCommand("render", 20, render)
