"""`ami doctor`: what this machine and this account lack, each with the command that mends it."""

from __future__ import annotations

import typer

from orchestrator.cli.command import CliCommand
from orchestrator.cli.options import HERE, EnvironmentOption, JsonOption, WorkspaceOption
from orchestrator.cli.terminal import print_json, print_text, say


def doctor(env: EnvironmentOption = None, workspace: WorkspaceOption = HERE, as_json: JsonOption = False) -> None:
    """Check that everything a build needs is there. Exit code 3 when something is not."""
    from orchestrator.cli.opened import opened
    from orchestrator.run.doctor.examine import examine

    loaded = opened(workspace, roles=False)
    environment = loaded.environment(env)
    results = examine(loaded, environment)
    if as_json:
        print_json([one.as_json() for one in results])
    else:
        width = max(len(one.what) for one in results)
        for one in results:
            print_text(f"{'ok  ' if one.ok else 'LACK'}  {one.what:<{width}}  {one.said}")
            if one.mend:
                print_text(f"      mend: {one.mend}")
    if not all(one.ok for one in results):
        say("something is missing; see above")
        raise typer.Exit(3)


COMMAND = CliCommand("doctor", 10, doctor)
