"""`ami plan`: what a build would do and why, and which input changed since an AMI was built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.command import CliCommand
from orchestrator.cli.completion import names
from orchestrator.cli.environment import environment_of
from orchestrator.cli.options import (
    HERE,
    EnvironmentOption,
    JsonOption,
    ParallelOption,
    RebuildOption,
    RetryOption,
    WithParentsOption,
    WorkspaceOption,
)
from orchestrator.cli.terminal import colour, duration, plain, print_json, print_text, say

if TYPE_CHECKING:
    from orchestrator.plan.steps import PlanStep
    from orchestrator.run.explain import Explained
    from orchestrator.run.prepare import Plan

#: Changed inputs that are listed; the rest is counted.
_LISTED = 40


def plan(  # noqa: PLR0917 - Typer calls it by name
    images: Annotated[
        list[str] | None,
        typer.Argument(metavar="IMAGE", help="Default: all of the workspace itself.", autocompletion=names.image),
    ] = None,
    env: EnvironmentOption = None,
    parallel: ParallelOption = 2,
    rebuild: RebuildOption = False,
    retry: RetryOption = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say which input changed since each image was built the last time.")
    ] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="With --explain, also the lines that changed in small files.")
    ] = False,
    with_parents: WithParentsOption = False,
    as_markdown: Annotated[
        bool,
        typer.Option("--markdown", help="Print a pull request's comment: the plan, what changed, and the checks."),
    ] = False,
    as_matrix: Annotated[
        bool,
        typer.Option("--matrix", help="Print `strategy.matrix` of a workflow: a job for each image to build or test."),
    ] = False,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Show what would be built, on what and why, what is reused, and what is only tested again. Changes nothing."""
    from orchestrator.cli.job.plan_forms import check_forms, print_comment, print_matrix, told_in_comment
    from orchestrator.cli.job.report import report_plan
    from orchestrator.cli.opened import chosen, named, opened
    from orchestrator.run.prepare import PlanWishes, prepare

    check_forms(as_json=as_json, as_markdown=as_markdown, as_matrix=as_matrix)
    with told_in_comment(workspace, env, wanted=as_markdown):
        loaded = opened(workspace, images=(asked_for := named(images)), env=env)
        environment = environment_of(loaded, env)
        names = chosen(loaded, asked_for)
        asked = PlanWishes(names if rebuild else (), names if retry else (), with_parents=with_parents)
        prepared = prepare(loaded, environment, names, parallel=parallel, asked=asked, strict=False)
        explained = _explained(prepared, names) if explain or diff or as_markdown else []
    report_plan(loaded, prepared.as_json(), summarised=not (as_markdown or as_matrix))
    if as_json:
        print_json(prepared.as_json(explained, diff=diff))
    elif as_markdown:
        print_comment(workspace, env, prepared, explained)
    elif as_matrix:
        print_matrix(prepared)
    else:
        _print_plan(prepared, explained, diff=diff)


def _print_plan(prepared: Plan, explained: list[Explained], *, diff: bool) -> None:
    for line in lines_of(prepared):
        print_text(line)
    for one in explained:
        _print_explained(one, diff=diff)
        for note in dict.fromkeys(note for _, note in one.notes):
            layers = [layer for layer, same in one.notes if same == note]
            print_text(f"  layer{'s' * (len(layers) > 1)} {', '.join(layers)}: {note}")


def _explained(prepared: Plan, names: list[str]) -> list[Explained]:
    from orchestrator.run.explain import explained

    return [explained(prepared.workspace, prepared.environment, name, prepared.secrets) for name in names]


def lines_of(prepared: Plan) -> list[str]:
    """A plan for a person: a line for each step, and what holds for all of them."""
    lines = [_line_of(step) for step in prepared.steps]
    lines += [f"not known here, and taken as changed: {what}" for what in prepared.unknown]
    lines += [f"warning: {what}" for what in prepared.warnings]
    if any(step.action == "rejected" for step in prepared.steps):
        lines.append("the same tests would reject it again: --retry runs them again, --rebuild builds it again")
        if prepared.empty:
            return lines
    if prepared.empty:
        return [*lines, "nothing to do: all planned images are built and validated"]
    if prepared.seconds is not None:
        lines.append(f"about {duration(prepared.seconds)}, as far as earlier runs tell")
    if not prepared.exclusive:
        lines.append(
            f"not exclusive: the environment '{prepared.environment.name}' names no artifact_bucket, so that another "
            "run at the same time would build the same"
        )
    return lines


def _line_of(step: PlanStep) -> str:
    segment, on = step.segment, step.segment.parent or step.segment.source.name
    match step.action:
        case "build":
            layers = " ".join(layer.name for layer in segment.layers) or "its seal alone"
            said = f"build {step.name} ({layers}) on {on}"
        case "validate":
            said = f"test {step.name} again ({step.found.ami_id if step.found else ''})"
        case "rejected":
            said = f"rejected {step.name}"
        case _:
            said = f"reuse {step.name}"
    seconds = "" if step.seconds is None or not step.action.works else f" [{duration(step.seconds)}]"
    return f"{said}: {step.reason}{seconds}"


def _print_explained(one: Explained, *, diff: bool) -> None:
    if one.since is None:
        print_text(f"{one.image}: no AMI of it is there to compare with")
        return
    since = f"{one.since.version} ({one.since.ami_id})"
    if not one.changes:
        print_text(f"{one.image}: nothing changed since {since}")
        return
    print_text(f"{one.image}: changed since {since}")
    for change in one.changes[:_LISTED]:
        for line in change.lines:
            print_text(f"  {plain(line)}")
        for line in change.diff if diff else ():
            print_text(f"    {_coloured(plain(line))}")
    if len(one.changes) > _LISTED:
        print_text(f"  and {len(one.changes) - _LISTED} more; --json has all")
    if one.hint:
        say(f"hint: {one.hint}")


def _coloured(line: str) -> str:
    """A line of a diff as terminals show it."""
    return colour(line, "green") if line.startswith("+") else colour(line, "red") if line.startswith("-") else line


COMMAND = CliCommand("plan", 30, plan, prints=("ami/plan/1",))
