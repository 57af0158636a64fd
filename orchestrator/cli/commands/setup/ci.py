"""`ami ci`: the pipeline of a CI service, written into the repository of the workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.command import CliCommand
from orchestrator.cli.completion import names
from orchestrator.cli.options import HERE, DryRunOption, JsonOption, WorkspaceOption
from orchestrator.cli.terminal import plain, print_json, print_text, say
from orchestrator.errors import LackError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.cli.pipelines.writing import PlannedFile
    from orchestrator.contract.ci import CiJson


def ci(  # noqa: PLR0917 - as many parameters as options
    service: Annotated[str, typer.Argument(metavar="SERVICE", help="github, gitlab or jenkins.")],
    env: Annotated[
        str | None,
        typer.Option(
            "--env",
            "-e",
            help="The environment on AWS in which the main branch builds.",
            show_default="the only one",
            autocompletion=names.environment,
        ),
    ] = None,
    branch: Annotated[
        str | None, typer.Option("--branch", help="The main branch.", show_default="as origin has it, or main")
    ] = None,
    package: Annotated[
        str | None,
        typer.Option(
            "--package",
            metavar="SPEC",
            help="What pip installs in jobs: a name with a version, a URL or a path.",
            show_default="this version of ami, with the lab",
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Show the difference, and write nothing. Exit code 3: there is one.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Also write over what was changed by hand.")] = False,
    dry_run: DryRunOption = False,
    workspace: WorkspaceOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Write the pipeline of a CI service: pull requests, the main branch, updates, and the sweep.

    Said again after an update, it writes anew what nobody has changed by hand.
    """
    from orchestrator.cli.pipelines.facts import AskedPipeline
    from orchestrator.cli.pipelines.planning import files_of

    files = files_of(service, workspace, AskedPipeline(env, branch, package))
    wanted = [] if check or dry_run else _written(files, force=force)
    if as_json:
        print_json(_as_json(service, files, wanted))
    else:
        _print(files, wanted, check=check, dry_run=dry_run)
    _judge(service, files, wanted, check=check, dry_run=dry_run)


def _written(files: Sequence[PlannedFile], *, force: bool) -> list[PlannedFile]:
    """Write what may be written."""
    from orchestrator.cli.pipelines.writing import FileState

    kept = {FileState.SAME} if force else {FileState.SAME, FileState.BY_HAND}
    wanted = [file for file in files if file.state not in kept]
    for file in wanted:
        file.write()
    return wanted


def _print(files: Sequence[PlannedFile], wanted: Sequence[PlannedFile], *, check: bool, dry_run: bool) -> None:
    from orchestrator.cli.pipelines.writing import FileState

    for file in files:
        by_hand = file.state is FileState.BY_HAND
        if file in wanted:
            print_text(f"wrote {file.path}{', over what was changed by hand' if by_hand else ''}")
        elif file.state is FileState.SAME:
            print_text(f"same {file.path}")
        elif file.state is FileState.NEW:
            print_text(f"would write {file.path}" if dry_run else f"missing {file.path}")
        else:
            kept = "kept" if by_hand else "would write anew" if dry_run else "differs"
            print_text(f"{kept} {file.path}{': it was changed by hand' if by_hand else ''}")
        for line in file.diff if check or dry_run or (by_hand and file not in wanted) else ():
            print_text(f"  {plain(line)}")


def _judge(
    service: str, files: Sequence[PlannedFile], wanted: Sequence[PlannedFile], *, check: bool, dry_run: bool
) -> None:
    """Say what comes next. Raises LackError for a difference with `--check`, UsageError for what was kept."""
    from orchestrator.cli.pipelines.planning import pipeline_of
    from orchestrator.cli.pipelines.writing import FileState

    differing = [file.path for file in files if file.state is not FileState.SAME]
    kept = [file.path for file in files if file.state is FileState.BY_HAND and file not in wanted]
    if check and differing:
        raise LackError(f"not as `ami ci {service}` would write it: {', '.join(differing)}", hint=f"ami ci {service}")
    if kept and not (check or dry_run):
        raise UsageError(
            f"kept as it is: {', '.join(kept)}",
            hint="take over from the difference what you need, or --force writes over what was changed by hand",
        )
    if wanted:
        say(f"next: commit these files, and {pipeline_of(service).then} (docs/ci.md)")


def _as_json(service: str, files: Sequence[PlannedFile], wanted: Sequence[PlannedFile]) -> CiJson:
    return {
        "schema": "ami/ci/1",
        "service": service,
        "files": [
            {
                "file": file.path,
                "change": str(file.state),
                "written": file in wanted,
                "diff": "\n".join(file.diff) or None,
            }
            for file in files
        ],
    }


COMMAND = CliCommand("ci", 87, ci, prints=("ami/ci/1",))
