"""`ami render`: the Packer HCL of an image, for reading and for building by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.command import CliCommand
from orchestrator.cli.options import HERE, WorkspaceOption
from orchestrator.cli.terminal import print_text, say


def render(
    image: Annotated[str, typer.Argument(help="An image of the workspace.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write IMAGE.pkr.hcl into this folder.")] = None,
    packer: Annotated[
        str | None,
        typer.Option(
            "--packer", help="Render for this version of Packer, such as 1.11.2.", show_default="the one here"
        ),
    ] = None,
    workspace: WorkspaceOption = HERE,
) -> None:
    """Render the Packer HCL of an image."""
    from orchestrator.build.build import packer_version
    from orchestrator.cli.opened import opened
    from orchestrator.plan.stack import outlines
    from orchestrator.render.packer import Renderer, generation_of

    loaded = opened(workspace)
    if out is None:
        loaded.image(image)  # of several variants only one can be printed
    names = loaded.selected([image])
    segments = [one for one in outlines(loaded, names) if one.name in names]
    renderer = Renderer(loaded, generation_of(packer or packer_version()))
    if out is None:
        print_text(renderer.text(segments[0]), newline=False)
        return
    out.mkdir(parents=True, exist_ok=True)
    for segment in segments:
        say(f"wrote {renderer.write(segment, out)}")


COMMAND = CliCommand("render", 20, render)
