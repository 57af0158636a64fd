"""`ami deps`: roles and collections from elsewhere, installed and pinned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.command import CliCommand
from orchestrator.cli.options import HERE, JsonOption, WorkspaceOption
from orchestrator.cli.tables import Column, print_table
from orchestrator.cli.terminal import print_json, say

if TYPE_CHECKING:
    from orchestrator.contract.setup import RequirementJson

COLUMNS = (
    Column("KIND"),
    Column("NAME"),
    Column("VERSION"),
    Column("INSTALLED"),
    Column("COMMIT", 1),
    Column("SOURCE", 2),
)


def deps(
    upgrade: Annotated[
        bool, typer.Option("--upgrade", "-U", help="Take the newest that requirements.yml allows, and pin that.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only say whether the lock fits and all is installed; fetch nothing.")
    ] = False,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Install the roles and collections of requirements.yml, and pin them in requirements.lock."""
    from orchestrator.errors import LackError, UsageError
    from orchestrator.requirements.bring import bring, locked, renew

    if check and upgrade:
        raise UsageError("--check changes nothing, and --upgrade does", hint="say one of them")
    if check:
        listed = [one.as_json() for one in locked(workspace)]
    else:
        lock, changed = renew(workspace, upgrade=upgrade, tell=say)
        if changed:
            say(f"wrote {lock.path.name}")
        listed = [one.as_json() for one in bring(workspace, fetch=True, tell=say)]
    if as_json:
        print_json({"schema": "ami/deps/1", "requirements": listed})
    elif listed:
        print_table(COLUMNS, [_row(one) for one in listed])
    else:
        say("nothing to install: there is no requirements.yml, or nothing in it")
    if lacking := [one["name"] for one in listed if not one["installed"]]:
        raise LackError(f"not installed on this machine, or changed there: {', '.join(lacking)}", hint="ami deps")


def _row(one: RequirementJson) -> tuple[str, ...]:
    there = "yes" if one["installed"] else "no"
    return one["kind"], one["name"], one["version"], there, (one["commit"] or "")[:12], one["source"]


COMMAND = CliCommand("deps", 15, deps, prints=("ami/deps/1",))
