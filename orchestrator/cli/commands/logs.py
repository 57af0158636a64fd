"""`ami logs`: the log of a run, an image or an AMI, from this disk or from the artifact bucket."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.command import CliCommand
from orchestrator.cli.completion import names
from orchestrator.cli.environment import environment_of
from orchestrator.cli.evidence.run_json import run_json
from orchestrator.cli.options import HERE, EnvironmentOption, JsonOption, WorkspaceOption
from orchestrator.cli.tables import Column, print_table
from orchestrator.cli.terminal import plain, print_json, print_text, say
from orchestrator.errors import LackError

if TYPE_CHECKING:
    from orchestrator.contract.runs import LogsJson
    from orchestrator.run.evidence.find_run import MeantRun
    from orchestrator.run.evidence.run_history import KnownRun

#: Select Graphic Rendition (ECMA-48, 8.3.117).
_STYLE = re.compile(r"\x1b\[[0-9;]*m")


def logs(
    name: Annotated[
        str,
        typer.Argument(
            metavar="RUN|IMAGE|AMI",
            help="Default: the newest run.",
            show_default=False,
            autocompletion=names.run_or_image,
        ),
    ] = "",
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="Any file of the run: packer.log, pytest.log, report.json.", show_default=False
        ),
    ] = "",
    image: Annotated[
        str,
        typer.Option(
            "--image",
            "-i",
            help="Of a run that had several: which.",
            show_default=False,
            autocompletion=names.image,
        ),
    ] = "",
    listed: Annotated[bool, typer.Option("--list", "-l", help="List the files that there are.")] = False,
    env: EnvironmentOption = None,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Print the log of what failed in a run, else of its last image. Any other file of it by name."""
    from orchestrator.cli.opened import opened
    from orchestrator.run.evidence.chosen_log import chosen_file, chosen_image
    from orchestrator.run.evidence.find_run import meant
    from orchestrator.run.evidence.run_history import RunHistory

    loaded = opened(workspace, roles=False)
    environment = environment_of(loaded, env)
    found = meant(RunHistory(loaded.root, environment, say), environment, name, loaded.images)
    if listed or as_json:
        _list(found, as_json=as_json)
        return
    chosen = chosen_image(found.run.index, image or found.image)
    path = chosen_file(found.run.index, chosen, file)
    say(f"{_about(found.run, chosen.image if chosen else '')}: {found.run.place(path)}")
    _print(_content(found.run, path))


def _list(found: MeantRun, *, as_json: bool) -> None:
    index = found.run.index
    if as_json:
        told: LogsJson = {**run_json(found.run), "schema": "ami/logs/1"}
        print_json(told)
        return
    say(f"{_about(found.run, found.image)}: {found.run.place()}")
    rows = [(one.path, f"{one.bytes:,}") for one in index.files]
    print_table((Column("FILE"), Column("BYTES")), rows)


def _about(run: KnownRun, image: str) -> str:
    """How what is shown ended: `web rejected`, `run failed`."""
    ended = {one.image: one.status for one in run.index.images}
    return f"{image} {ended[image]}" if ended.get(image) else f"run {run.index.result}"


def _content(run: KnownRun, path: str) -> str:
    """A file as text. Raises LackError when it cannot be read."""
    from orchestrator.aws.account import AwsError, refusal

    try:
        return run.read(path).decode("utf-8", "backslashreplace")
    except (OSError, *AwsError) as error:
        lack = refusal(error)
        why = lack.message if lack else str(error)
        raise LackError(f"{run.place(path)} cannot be read: {why}", hint=f"ami logs {run.index.run} --list") from error


def _print(text: str) -> None:
    """A log without colours; on a terminal also without what it takes for a command."""
    text = _STYLE.sub("", text)
    if sys.stdout.isatty():
        text = "\n".join(plain(line.expandtabs()) for line in text.split("\n"))
    print_text(text.removesuffix("\n"))


COMMAND = CliCommand("logs", 74, logs, prints=("ami/logs/1",))
