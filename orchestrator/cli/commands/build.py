"""`ami build`: images and what they stand on, built, booted, tested and tagged."""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.ci.spoken import group
from orchestrator.cli.command import CliCommand
from orchestrator.cli.commands.plan import lines_of
from orchestrator.cli.completion import names
from orchestrator.cli.environment import environment_of
from orchestrator.cli.options import (
    HERE,
    DryRunOption,
    EnvironmentOption,
    JsonOption,
    KeepOption,
    OnOption,
    ParallelOrPlaceOption,
    RebuildOption,
    RetryOption,
    WithParentsOption,
    WorkspaceOption,
    YesOption,
)
from orchestrator.cli.progress import shown
from orchestrator.cli.tables import Column, print_table
from orchestrator.cli.terminal import confirm, duration, print_json, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.run.outcome import SegmentOutcome, Summary
    from orchestrator.run.prepare import Plan
    from orchestrator.run.remote.work_place import WorkPlace


def build(  # noqa: PLR0917 - Typer calls it by name
    images: Annotated[
        list[str] | None,
        typer.Argument(metavar="IMAGE", help="Default: all of the workspace itself.", autocompletion=names.image),
    ] = None,
    env: EnvironmentOption = None,
    parallel: ParallelOrPlaceOption = None,
    on: OnOption = None,
    rebuild: RebuildOption = False,
    retry: RetryOption = False,
    with_parents: WithParentsOption = False,
    keep: KeepOption = False,
    dry_run: DryRunOption = False,
    workspace: WorkspaceOption = HERE,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Build what changed of images and of what they stand on, boot it, test it over SSM and tag the verdict."""
    from orchestrator.cli.opened import chosen, named, opened
    from orchestrator.run.prepare import PlanWishes, prepare
    from orchestrator.run.remote.places import place_at

    loaded = opened(workspace, fetch=True, images=(asked_for := named(images)), env=env)
    names = chosen(loaded, asked_for)
    asked = PlanWishes(names if rebuild else (), names if retry else (), with_parents=with_parents)
    environment = environment_of(loaded, env)
    with place_at(on, environment) as place:
        prepared = prepare(loaded, environment, names, parallel=parallel or place.slots, asked=asked)
        with nullcontext() if prepared.empty else group("Plan"):
            for line in lines_of(prepared):
                say(line, always=dry_run or not (yes or prepared.empty))
        if prepared.empty:
            _end_without_work(prepared, names, dry_run=dry_run, as_json=as_json)
            return
        prepared = _with_tests(prepared)
        if _is_wanted(prepared, dry_run=dry_run, yes=yes, as_json=as_json):
            _carry_out(prepared, names, place, keep=keep, as_json=as_json)


def _end_without_work(prepared: Plan, names: Sequence[str], *, dry_run: bool, as_json: bool) -> None:
    from orchestrator.cli.job.report import report_run
    from orchestrator.run.run import nothing_done

    nothing = nothing_done(prepared)
    if as_json:
        print_json(prepared.as_json() if dry_run else nothing.as_json())
    report_run(prepared.workspace, nothing, names, prepared.as_json())
    nothing.raise_for_status()


def _with_tests(prepared: Plan) -> Plan:
    """The plan, once it is known that its tests can be collected."""
    from orchestrator.run.tests import collect_tests

    collected = collect_tests(prepared.workspace, prepared.steps)
    if collected:
        say(f"{sum(collected.values())} tests are collected, and can be run")
    return replace(prepared, collected=collected)


def _is_wanted(prepared: Plan, *, dry_run: bool, yes: bool, as_json: bool) -> bool:
    from orchestrator.cli.job.report import report_plan

    if not dry_run:
        confirm("Go ahead?", yes=yes)
        return True
    say("a dry run: nothing was changed")
    report_plan(prepared.workspace, prepared.as_json())
    if as_json:
        print_json(prepared.as_json())
    return False


def _carry_out(prepared: Plan, names: Sequence[str], place: WorkPlace, *, keep: bool, as_json: bool) -> None:
    from orchestrator.cli.job.report import report_run
    from orchestrator.run.run import execute

    busy = [step.name for step in prepared.steps if step.action.works]
    with shown(busy, prepared.seconds) as listener:
        summary = execute(prepared, listener, tell=say, keep=keep, place=place)
    _print_summary(summary, as_json=as_json)
    report_run(prepared.workspace, summary, names, prepared.as_json())
    summary.raise_for_status()


#: What a table of outcomes has. Why an image failed stands below the table.
_OUTCOME = (
    *(Column(title) for title in ("IMAGE", "RESULT", "AMI")),
    Column("VERSION"),
    Column("TESTS", gives_way=1),
    Column("SECONDS", gives_way=2),
)


def _print_summary(summary: Summary, *, as_json: bool) -> None:
    if as_json:
        print_json(summary.as_json())
        return
    print_outcomes(summary.outcomes)
    counts = Counter(str(one.status) for one in summary.outcomes)
    say(f"{', '.join(f'{count} {status}' for status, count in counts.items())} in {duration(summary.seconds)}")
    for run in sorted({one.adopted for one in summary.outcomes if one.adopted}):
        say(f"done by run {run}: {', '.join(one.image for one in summary.outcomes if one.adopted == run)}")


def print_outcomes(outcomes: Sequence[SegmentOutcome]) -> None:
    """The end of a run: one line per image, and the reason under what did not go well."""
    print_table(
        _OUTCOME,
        [
            (
                one.image,
                str(one.status),
                one.ami_id,
                one.version,
                one.tests,
                f"{one.seconds:.0f}" if one.seconds else "",
            )
            for one in outcomes
        ],
    )
    for one in outcomes:
        if one.kept:
            say(f"{one.image}: the machine is kept: {one.kept}", always=True)
        if one.reason and not one.usable:
            say(f"{one.image}: {one.reason}", always=True)
            if one.hint:
                say(f"hint: {one.hint}", always=True)


COMMAND = CliCommand("build", 40, build, prints=("ami/run/1", "ami/plan/1"))
