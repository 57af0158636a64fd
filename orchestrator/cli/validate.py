"""`ami validate`: boot an AMI, run the tests of its roles over SSM, and tag the verdict."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestrator.cli.build import print_outcomes
from orchestrator.cli.options import HERE, EnvironmentOption, JsonOption, KeepOption, WorkspaceOption, YesOption
from orchestrator.cli.progress import shown
from orchestrator.cli.terminal import confirm, print_json, say


def validate(
    name: Annotated[str, typer.Argument(metavar="IMAGE|AMI", help="An image (its newest AMI), or an AMI id.")],
    env: EnvironmentOption = None,
    keep: KeepOption = False,
    workspace: WorkspaceOption = HERE,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Boot an AMI, test it over SSM, and tag it validated or rejected."""
    from orchestrator.definition.workspace import load
    from orchestrator.run.revalidate import choose, revalidate

    loaded = load(workspace)
    chosen = choose(loaded, loaded.environment(env), name)
    say(f"validate {chosen.version.image} {chosen.version.version} ({chosen.version.ami_id}, {chosen.version.state})")
    confirm("Go ahead?", yes=yes)
    with shown() as listener:
        summary = revalidate(chosen, listener, tell=say, keep=keep)
    if as_json:
        print_json(summary.as_json())
    else:
        print_outcomes(summary.outcomes)
    summary.raise_for_status()
