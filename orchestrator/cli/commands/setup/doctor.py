"""`ami doctor`: what this machine and this account lack, each with the command that mends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from orchestrator.cli.command import CliCommand
from orchestrator.cli.options import HERE, EnvironmentOption, JsonOption, WorkspaceOption
from orchestrator.cli.terminal import print_json, print_text, say
from orchestrator.errors import LackError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.contract.setup import DoctorJson
    from orchestrator.run.doctor.check_result import CheckResult


def doctor(env: EnvironmentOption = None, workspace: WorkspaceOption = HERE, as_json: JsonOption = False) -> None:
    """Check that everything a build needs is there. Exit code 3 when something is not."""
    from orchestrator.cli.opened import opened
    from orchestrator.run.doctor.examine import examine

    loaded = opened(workspace, roles=False)
    environment = loaded.environment(env)
    results = examine(loaded, environment)
    if as_json:
        print_json(_as_json(environment.name, results))
    else:
        width = max(len(one.what) for one in results)
        for one in results:
            print_text(f"{'ok  ' if one.ok else 'LACK'}  {one.what:<{width}}  {one.said}")
            if one.mend:
                print_text(f"      mend: {one.mend}")
    if not all(one.ok for one in results):
        if as_json:
            missing = ", ".join(one.what for one in results if not one.ok)
            raise LackError(f"something is missing: {missing}", hint="ami doctor")
        say("something is missing; see above", always=True)
        raise typer.Exit(3)


def _as_json(environment: str, results: Sequence[CheckResult]) -> DoctorJson:
    return {
        "schema": "ami/doctor/1",
        "environment": environment,
        "ok": all(one.ok for one in results),
        "checks": [one.as_json() for one in results],
    }


COMMAND = CliCommand("doctor", 10, doctor, prints=("ami/doctor/1",))
