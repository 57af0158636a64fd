"""`ami validate`: boot an AMI, run the tests of its roles, and tag the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.command import CliCommand
from orchestrator.cli.commands.build import print_outcomes
from orchestrator.cli.completion import names
from orchestrator.cli.environment import environment_of
from orchestrator.cli.explain_rounds import COLUMNS, table
from orchestrator.cli.options import (
    HERE,
    DryRunOption,
    EnvironmentOption,
    JsonOption,
    KeepOption,
    WorkspaceOption,
    YesOption,
)
from orchestrator.cli.progress import shown
from orchestrator.cli.tables import print_table
from orchestrator.cli.terminal import confirm, print_json, say
from orchestrator.validate.options import ConnectionKind, Selection

if TYPE_CHECKING:
    from orchestrator.contract.run import ValidationPlanJson
    from orchestrator.registry import Version
    from orchestrator.run.outcome import Summary


ConnectionOption = Annotated[
    ConnectionKind,
    typer.Option(help="How the machine is asked: Systems Manager, SSH on port 22, or podman (lab only)."),
]
KeywordOption = Annotated[
    str,
    typer.Option(
        "-k",
        metavar="EXPR",
        help="Only tests whose names fit, as in pytest; nothing is tagged.",
        autocompletion=names.role,
    ),
]


def validate(  # noqa: PLR0917 - Typer calls it by name
    name: Annotated[
        str,
        typer.Argument(
            metavar="IMAGE|AMI", help="An image (its newest AMI), or an AMI id.", autocompletion=names.image_or_ami
        ),
    ],
    env: EnvironmentOption = None,
    connection: ConnectionOption = ConnectionKind.SSM,
    keyword: KeywordOption = "",
    marker: Annotated[
        str, typer.Option("-m", metavar="EXPR", help="Only tests whose marks fit, as in pytest; nothing is tagged.")
    ] = "",
    exit_first: Annotated[bool, typer.Option("-x", help="Stop at the first test that fails.")] = False,
    maxfail: Annotated[int, typer.Option(min=0, metavar="N", help="Stop after N failures; 0: never.")] = 0,
    explain: Annotated[bool, typer.Option("--explain", help="Show what each round of questions took.")] = False,
    keep: KeepOption = False,
    dry_run: DryRunOption = False,
    workspace: WorkspaceOption = HERE,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Boot an AMI, test it, and tag it validated or rejected."""
    from orchestrator.cli.job.report import report_run
    from orchestrator.cli.opened import opened
    from orchestrator.run.revalidate import choose, revalidate

    loaded = opened(workspace, images=[name], env=env)
    selection = Selection(keyword, marker, 1 if exit_first else maxfail)
    chosen = choose(loaded, environment_of(loaded, env), name, connection, selection)
    version = chosen.version
    say(f"validate {version.image} {version.version} ({version.ami_id}, {version.state})", always=not yes)
    if dry_run:
        say("a dry run: nothing was booted, and nothing is tagged")
        if as_json:
            print_json(_planned(version))
        return
    confirm("Go ahead?", yes=yes)
    with shown([chosen.version.image]) as listener:
        summary = revalidate(chosen, listener, tell=say, keep=keep)
    _print_summary(summary, explain=explain, as_json=as_json)
    report_run(loaded, summary, [version.image], validated_before=str(version.state) == "validated")
    if selection.partial:
        say("only chosen tests ran: nothing is tagged")
    summary.raise_for_status(f"ami validate {chosen.version.ami_id} tests it anew")


def _print_summary(summary: Summary, *, explain: bool, as_json: bool) -> None:
    if as_json:
        print_json(summary.as_json())
        return
    print_outcomes(summary.outcomes)
    if explain and any(one.rounds for one in summary.outcomes):
        print_table(COLUMNS, [row for one in summary.outcomes for row in table(one.rounds)])


def _planned(version: Version) -> ValidationPlanJson:
    return {
        "schema": "ami/validation-plan/1",
        "image": version.image,
        "version": version.version,
        "ami_id": version.ami_id,
        "state": str(version.state),
        "region": version.copy.region,
    }


COMMAND = CliCommand("validate", 50, validate, prints=("ami/run/1", "ami/validation-plan/1"))
