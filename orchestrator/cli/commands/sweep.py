"""`ami sweep`: what dead runs left in the account, shown and removed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.command import CliCommand
from orchestrator.cli.environment import environment_of
from orchestrator.cli.loudness import verbose
from orchestrator.cli.options import HERE, DryRunOption, EnvironmentOption, JsonOption, WorkspaceOption, YesOption
from orchestrator.cli.tables import Column, print_table
from orchestrator.cli.terminal import confirm, print_json, say
from orchestrator.cli.time_span import time_span
from orchestrator.errors import Interrupted, StageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.contract.sweep import LeftAloneJson, SweepJson
    from orchestrator.run.sweep.clear import Swept
    from orchestrator.run.sweep.find import SweepFinding
    from orchestrator.run.sweep.orphans import Orphan

#: Runs that are left alone of which each is named.
_SHOWN = 5


_REMNANTS = (
    *(Column(title) for title in ("KIND", "ID", "REGION")),
    Column("RUN", gives_way=2),
    Column("AGE", gives_way=3),
    Column("WHY IT IS DEAD", gives_way=1),
)


def sweep(
    older_than: Annotated[
        str,
        typer.Option(
            "--older-than",
            metavar="TIME",
            help="Treat a run as dead after this long without a sign of life: 90m, 7d.",
        ),
    ] = "24h",
    kept: Annotated[bool, typer.Option("--kept", help="Remove also the machines that were left with --keep.")] = False,
    env: EnvironmentOption = None,
    dry_run: DryRunOption = False,
    workspace: WorkspaceOption = HERE,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Remove what dead runs left: machines, volumes, keys, groups, half-made AMIs, snapshots, leases."""
    from orchestrator.cli.opened import opened
    from orchestrator.files.held_folder import clear_abandoned
    from orchestrator.run.sweep.clear import Became, Swept, clear
    from orchestrator.run.sweep.find import find, place_of

    age = time_span("--older-than", older_than)
    loaded = opened(workspace, roles=False)
    place = place_of(environment_of(loaded, env), loaded.root)
    now = datetime.now(UTC)
    finding = find(place, now, age)
    wanted = [one for one in finding.remnants if kept or not one.kept]
    if not as_json:
        _print_found(finding.remnants, now, kept=kept)
    _tell_left_alone(finding, kept=kept)
    if not wanted:
        say("nothing to sweep")
    if dry_run:
        say(f"a dry run: {_counted(len(wanted), 'thing')} would be removed")
        if as_json:
            print_json(_as_json(finding, [Swept(one, Became.FOUND) for one in wanted], now))
        return
    _ask(wanted, yes=yes, as_json=as_json)
    for folder in clear_abandoned():
        say(f"removed {folder}, which a killed run left")
    try:
        swept = clear(place, finding, say, kept=kept)
    except KeyboardInterrupt:
        raise Interrupted("what was removed is gone; the rest stays", hint="ami sweep finds it again") from None
    if as_json:
        print_json(_as_json(finding, swept, now))
    _judge(swept)


def _ask(wanted: Sequence[Orphan], *, yes: bool, as_json: bool) -> None:
    if not wanted:
        return
    for one in wanted if as_json and not yes else ():  # standard output is for the object alone
        say(f"{one.kind} {one.id} in {one.region}: {one.why}", always=True)
    confirm(f"Remove {_counted(len(wanted), 'thing')}?", yes=yes, default=False)


def _print_found(remnants: Sequence[Orphan], now: datetime, *, kept: bool) -> None:
    from orchestrator.run.session.identity import started_of
    from orchestrator.run.sweep.liveness import spoken

    rows = []
    for one in remnants:
        started = started_of(one.run)
        age = spoken(now - started) if started else ""
        what = "kept: " if one.kept and not kept else ""
        why = f"{one.why}; {one.proof}" if one.proof else one.why
        rows.append((str(one.kind), one.id, one.region, one.run, age, what + why))
    if rows:
        print_table(_REMNANTS, rows)


def _tell_left_alone(finding: SweepFinding, *, kept: bool) -> None:
    """What is left alone, so that nobody takes silence for an empty account."""
    from orchestrator.aws.resources.image import KIND as IMAGE
    from orchestrator.registry import UNPROVEN

    shown = 0
    for one in finding.left_alone:
        amis = [f"{thing.kind} {thing.id} ({UNPROVEN})" for thing in one.things if thing.kind is IMAGE]
        if shown >= _SHOWN and not amis and not verbose():
            continue
        shown += 1
        others = len(one.things) - len(amis)
        what = ", ".join([*amis, *([_counted(others, "thing")] if others else [])])
        say(f"left alone: {what} of {f'run {one.run}' if one.run else 'no known run'}: {one.why}")
    if (more := len(finding.left_alone) - shown) > 0:
        say(f"left alone: what {_counted(more, 'more run')} made; -v names them")
    if not kept and any(one.kept for one in finding.remnants):
        say("left alone: what was kept on purpose; --kept removes it too")


def _as_json(finding: SweepFinding, swept: Sequence[Swept], now: datetime) -> SweepJson:
    left_alone: list[LeftAloneJson] = [
        {
            "run": one.run or None,
            "reason": one.why,
            "things": [{"kind": str(thing.kind), "id": thing.id} for thing in one.things],
        }
        for one in finding.left_alone
    ]
    return {"schema": "ami/sweep/1", "found": [one.as_json(now) for one in swept], "left_alone": left_alone}


def _judge(swept: Sequence[Swept]) -> None:
    """Say how it ended. Raises StageError when something could not be removed."""
    from orchestrator.run.sweep.clear import Became

    stayed = [one for one in swept if one.became is Became.STAYED]
    for one in stayed:
        say(f"stayed: {one.remnant.leftover}: {one.trouble}", always=True)
    if stayed:
        raise StageError(
            f"{_counted(len(stayed), 'thing')} could not be removed", hint="fix the cause, then run `ami sweep` again"
        )
    for run in sorted({one.remnant.run for one in swept if one.became is Became.SPARED}):
        say(f"left alone: run {run} gave a sign of life")
    if removed := sum(one.became is Became.REMOVED for one in swept):
        say(f"removed {_counted(removed, 'thing')}")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


COMMAND = CliCommand("sweep", 80, sweep, prints=("ami/sweep/1",))
