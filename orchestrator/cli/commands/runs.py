"""`ami runs`: what was run, with which result, and where its evidence is; and making room by deleting old ones here."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.command import CliCommand
from orchestrator.cli.environment import environment_of
from orchestrator.cli.evidence.run_changes import RunChanges, prune_runs, upload_runs
from orchestrator.cli.evidence.run_json import run_json
from orchestrator.cli.options import HERE, DryRunOption, EnvironmentOption, JsonOption, WorkspaceOption, YesOption
from orchestrator.cli.tables import Column, print_table
from orchestrator.cli.terminal import duration, print_json, say
from orchestrator.cli.time_span import time_span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.contract.runs import RunsJson
    from orchestrator.run.evidence.run_history import KnownRun
    from orchestrator.run.evidence.run_index import RunIndex

_COLUMNS = (
    Column("RUN"),
    Column("WHEN (UTC)", gives_way=4, whole=True),
    Column("COMMAND", gives_way=2),
    Column("IMAGES", gives_way=1),
    Column("RESULT"),
    Column("TOOK"),
    Column("WHERE", gives_way=3, whole=True),
)


def runs(  # noqa: PLR0917 - Typer calls it by name
    last: Annotated[int, typer.Option("--last", min=0, metavar="N", help="Only the newest N runs; 0: all.")] = 20,
    prune: Annotated[
        str,
        typer.Option("--prune", metavar="TIME", help="Delete the folders of runs here that are older: 30d, 12h."),
    ] = "",
    upload: Annotated[
        bool, typer.Option("--upload", help="Put runs into the artifact bucket that are only here.")
    ] = False,
    env: EnvironmentOption = None,
    dry_run: DryRunOption = False,
    workspace: WorkspaceOption = HERE,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """List the runs of an environment, newest first, or make room by deleting old ones here."""
    from orchestrator.cli.opened import opened
    from orchestrator.run.evidence.run_history import RunHistory

    before = datetime.now(UTC) - time_span("--prune", prune) if prune else None
    loaded = opened(workspace, roles=False)
    environment = environment_of(loaded, env)
    if upload or before is not None:
        changes = RunChanges(dry_run)
        if upload:
            upload_runs(loaded.root, environment, changes, yes=yes)
        if before is not None:
            prune_runs(loaded.root, environment, before, changes, yes=yes)
        if as_json:
            print_json(changes.as_json())
        return
    history = RunHistory(loaded.root, environment, say)
    found = history.newest(last)
    if as_json:
        print_json(_as_json(found))
    elif found:
        print_table(_COLUMNS, [_row(one) for one in found])
    else:
        say(f"no runs in {environment.name}; `ami build` begins one")
    if history.elsewhere:
        say(f"{history.elsewhere} here of other environments: --env shows them")


def _as_json(runs_: Sequence[KnownRun]) -> RunsJson:
    return {"schema": "ami/runs/1", "runs": [run_json(one) for one in runs_]}


def _row(run: KnownRun) -> tuple[str, ...]:
    index = run.index
    took = duration(index.seconds) if index.seconds else ""
    when = f"{index.started:%Y-%m-%d %H:%M}"
    return (
        index.run,
        when,
        index.command.removeprefix("ami "),
        _images(index),
        str(index.result),
        took,
        ", ".join(run.places),
    )


def _images(index: RunIndex) -> str:
    """What did not go well first, with how it ended."""
    bad = [f"{one.image} {one.status}" for one in index.images if one.status and not one.good]
    return ", ".join([*bad, *(one.image for one in index.images if one.good or not one.status)])


COMMAND = CliCommand("runs", 72, runs, prints=("ami/runs/1", "ami/changed-runs/1"))
