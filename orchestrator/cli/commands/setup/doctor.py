"""`ami doctor`: what this machine and this account lack, each with the command that mends it."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.command import CliCommand
from orchestrator.cli.options import HERE, EnvironmentOption, JsonOption, WorkspaceOption
from orchestrator.cli.terminal import colour, print_json, print_text, say, width_of_terminal
from orchestrator.errors import LackError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.contract.setup import DoctorJson
    from orchestrator.run.doctor.check_result import CheckResult

WhyOption = Annotated[bool, typer.Option("--why", help="Say of each check why it matters, also when all is well.")]


def doctor(
    env: EnvironmentOption = None,
    workspace: WorkspaceOption = HERE,
    why: WhyOption = False,
    as_json: JsonOption = False,
) -> None:
    """Check that everything a build needs is there. Exit code 3 when something is not.

    It changes nothing. Permissions are asked by EC2's dry runs.
    """
    from orchestrator.cli.opened import opened
    from orchestrator.run.doctor.examine import examine

    loaded = opened(workspace, roles=False)
    environment = loaded.environment(env)
    results: list[CheckResult] = []
    for result in examine(loaded, environment):
        results.append(result)
        if not as_json:
            _print(result, why=why)
    lacking = sum(not one.ok for one in results)
    if as_json:
        print_json(_as_json(environment.name, results))
    else:
        print_text(_end(results, lacking))
    if lacking:
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


#: The columns before what was found, and the fewest that it gets.
_INDENT, _FEWEST = "      ", 40


def _print(result: CheckResult, *, why: bool) -> None:
    """A check in lines that fit the terminal. A command is never cut: it is there to be copied."""
    word, style = ("ok", "green") if result.checked else ("?", "yellow")
    word, style = (word, style) if result.ok else ("LACK", "red")
    lines = _wrapped(f"{result.what}: {result.said}")
    print_text(f"{colour(f'{word:<6}', style)}{lines[0]}")
    more = lines[1:]
    if (why or not result.ok or not result.checked) and result.why:
        more += _wrapped(f"why:  {result.why}", more="      ")
    for line in more:
        print_text(f"{_INDENT}{line}")
    if result.mend:
        print_text(f"{_INDENT}mend: {result.mend}")


def _wrapped(text: str, more: str = "") -> list[str]:
    width = max(_FEWEST, width_of_terminal() - len(_INDENT))
    return textwrap.wrap(text, width, subsequent_indent=more, break_long_words=False, break_on_hyphens=False)


def _end(results: list[CheckResult], lacking: int) -> str:
    untold = sum(not one.checked for one in results)
    good = len(results) - lacking - untold
    counts = [f"{good} in order", f"{untold} not checked" if untold else "", f"{lacking} missing" if lacking else ""]
    return ", ".join(filter(None, counts))


COMMAND = CliCommand("doctor", 10, doctor, prints=("ami/doctor/1",))
