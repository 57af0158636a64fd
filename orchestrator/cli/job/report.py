"""What a command leaves for the CI service whose job it runs in: summary, outputs, reports, annotations.

Without a service nothing happens.
"""

from __future__ import annotations

import json
import shutil
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.cli.ci.annotate import annotation_of
from orchestrator.cli.job import run_summary
from orchestrator.cli.job.failures import failures
from orchestrator.cli.job.job_folder import add_outputs, add_summary, leave, left
from orchestrator.cli.job.quality import code_quality
from orchestrator.cli.terminal import say_annotation
from orchestrator.masks import hide
from orchestrator.run.outcome import SegmentStatus

if TYPE_CHECKING:
    from collections.abc import Collection

    from orchestrator.cli.ci.service import CiService
    from orchestrator.contract.plan import PlanJson
    from orchestrator.definition.workspace import Workspace
    from orchestrator.errors import AmiError, Problem
    from orchestrator.run.outcome import Summary

QUALITY = "codequality.json"


class _Reported:
    """Whether the summary of the job has been written by this command."""

    summary = False


def report_run(
    workspace: Workspace,
    summary: Summary,
    names: Collection[str],
    plan: PlanJson | None = None,
    *,
    validated_before: bool = False,
) -> None:
    """Leave what became of a run. `names` are the images that it was about, of which outputs tell; none of them is new
    when it was `validated_before`.
    """

    def leave_it(folder: Path, service: CiService) -> None:
        found = [*failures(workspace, summary)]
        _leave_mistakes(folder, found)
        _leave_junit(folder, summary)
        new = {"changed": _word(value=False)} if validated_before else {}
        add_outputs(folder, service, outputs_of(summary, names) | new)
        add_summary(folder, lambda most: run_summary.of_run(_command(), summary, plan, most))
        _Reported.summary = True

    left(leave_it, workspace.root)


def leave_summary_to_others() -> None:
    """Write no summary: whoever asked for a comment writes that into it."""
    _Reported.summary = True


def report_plan(workspace: Workspace, plan: PlanJson, *, summarised: bool = True) -> None:
    """Leave what is planned: `changed` among the outputs, and unless somebody else writes it the summary."""

    def leave_it(folder: Path, service: CiService) -> None:
        add_outputs(folder, service, {"changed": _word(value=not plan["empty"])})
        if summarised:
            add_summary(folder, lambda most: run_summary.of_plan(_command(), plan, most))

    _Reported.summary = True
    left(leave_it, workspace.root)


def report_version(root: Path, image: str, ami_id: str, version: str) -> None:
    """Leave a version that was asked for among the outputs."""
    values = {"ami_id": ami_id, "version": version, "ami_ids": json.dumps({image: ami_id})}
    left(lambda folder, service: add_outputs(folder, service, values), root)


def report_error(error: AmiError) -> None:
    """Leave why a command came to nothing, unless its summary says it."""

    def leave_it(folder: Path, _: CiService) -> None:
        if error.problems:
            annotations = [annotation_of(problem) for problem in error.problems]
            leave(folder, QUALITY, hide(code_quality(annotations)))
        if not _Reported.summary:
            add_summary(folder, partial(run_summary.of_error, _command(), error))

    left(leave_it, _workspace_typed())


def outputs_of(summary: Summary, names: Collection[str]) -> dict[str, str]:
    """What later steps get: of one image `ami_id` and `version`, of all `ami_ids`; and whether any is new.

    Of an image that is not proven there is nothing: nobody shall use it.
    """
    usable = [one for one in summary.outcomes if one.image in names and one.usable and one.ami_id]
    proven = [one for one in usable if one.status is not SegmentStatus.CHECKED]
    values = {"changed": _word(value=any(one.status is SegmentStatus.VALIDATED for one in proven))}
    values["ami_ids"] = json.dumps({one.image: one.ami_id for one in proven})
    values["versions"] = json.dumps({one.image: one.version for one in proven})
    if len(names) == 1:
        values["ami_id"] = next((one.ami_id for one in proven), "")
        values["version"] = next((one.version for one in proven), "")
    return values


def _leave_mistakes(folder: Path, found: Collection[Problem]) -> None:
    annotations = [annotation_of(problem) for problem in found]
    leave(folder, QUALITY, hide(code_quality(annotations)))
    for one in annotations:
        say_annotation(one)


def _leave_junit(folder: Path, summary: Summary) -> None:
    for outcome in summary.outcomes:
        report = Path(summary.folder) / outcome.image / "junit.xml"
        if summary.folder and report.is_file():
            (folder / "junit").mkdir(exist_ok=True)
            shutil.copyfile(report, folder / "junit" / f"{outcome.image}.xml")


def _word(*, value: bool) -> str:
    return "true" if value else "false"


def _command() -> str:
    """`ami build`, from the command line."""
    words = [word for word in sys.argv[1:2] if word.isalpha()]
    return " ".join(["ami", *words])


def _workspace_typed() -> Path:
    """The folder that `-C` named, or the current one: an error knows of no workspace."""
    typed = sys.argv[1:]
    for place, word in enumerate(typed):
        if word in ("-C", "--workspace") and place + 1 < len(typed):
            return Path(typed[place + 1])
        if word.startswith("--workspace="):
            return Path(word.partition("=")[2])
    return Path()
