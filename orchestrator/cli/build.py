"""`ami build`: images and what they stand on, built, booted, tested and tagged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.options import HERE, EnvironmentOption, JsonOption, KeepOption, WorkspaceOption, YesOption
from orchestrator.cli.progress import shown
from orchestrator.cli.terminal import confirm, print_json, print_table, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from orchestrator.run.outcome import Outcome
    from orchestrator.run.plan import Step


def build(
    images: Annotated[list[str] | None, typer.Argument(metavar="[IMAGE]...", help="Default: all images.")] = None,
    env: EnvironmentOption = None,
    parallel: Annotated[int, typer.Option("--parallel", "-p", min=1, help="How many images at a time.")] = 2,
    keep: KeepOption = False,
    workspace: WorkspaceOption = HERE,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Build images on what they stand on, boot what was built, test it over SSM and tag the verdict."""
    from orchestrator.definition.workspace import load
    from orchestrator.run.run import execute, prepare

    loaded = load(workspace)
    prepared = prepare(loaded, loaded.environment(env), images or list(loaded.images))
    _print_plan(prepared.steps)
    confirm("Go ahead?", yes=yes)
    with shown() as listener:
        summary = execute(prepared, listener, tell=say, parallel=parallel, keep=keep)
    if as_json:
        print_json(summary.as_json())
    else:
        print_outcomes(summary.outcomes)
    summary.raise_for_status()


def _print_plan(steps: Iterable[Step]) -> None:
    for step in steps:
        image, on = step.segment.image.name, step.segment.parent or step.segment.source.name
        layers = " ".join(layer.name for layer in step.segment.layers)
        verb = f"reuse {image}: {step.reason}" if step.reuse else f"build {image} ({layers}) on {on}: {step.reason}"
        say(verb)


def print_outcomes(outcomes: Sequence[Outcome]) -> None:
    """The end of a run: one line per image, and the reason under what did not go well."""
    print_table(
        ("IMAGE", "RESULT", "AMI", "VERSION", "TESTS", "SECONDS"),
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
            say(f"{one.image}: the machine is kept: {one.kept}")
        if one.reason and not one.usable:
            say(f"{one.image}: {one.reason}")
            if one.hint:
                say(f"hint: {one.hint}")
