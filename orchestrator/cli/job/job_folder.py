"""`.ami/ci` of a workspace: what a CI service fetches from a job, at paths that are always the same."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.cli.ci import spoken
from orchestrator.cli.job.markdown import octets
from orchestrator.cli.terminal import say
from orchestrator.definition.workspace import root_of
from orchestrator.errors import UsageError
from orchestrator.files.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from orchestrator.cli.ci.service import CiService

FOLDER = ".ami/ci"
SUMMARY = "summary.md"
#: Which job has written the folder.
_JOB = "job.json"


def job_folder(start: Path) -> Path | None:
    """The folder of the workspace that is at `start` or above it, made and with what this job has left so far.

    What another job left is removed: some services keep checkouts. None without a service or a workspace.
    """
    service = spoken.service()
    if service is None:
        return None
    try:
        folder = root_of(start) / FOLDER
    except UsageError:
        return None
    job = json.dumps([service.name, *(os.environ.get(name, "") for name in service.job)])
    if _job_of(folder) != job:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        write_whole(folder / _JOB, job)
    return folder


def _job_of(folder: Path) -> str:
    try:
        return (folder / _JOB).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def leave(folder: Path, name: str, text: str) -> None:
    """Write a file there."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text, errors="backslashreplace")


def add_summary(folder: Path, text: Callable[[int], str]) -> None:
    """Add to the summary of the job, here and where the service shows it. `text` gets the bytes that it may have."""
    service = spoken.service()
    path, most = service.summary_file(os.environ) if service else (None, 0)
    here = folder / SUMMARY
    before = here.read_text(encoding="utf-8") if here.exists() else ""
    leave(folder, SUMMARY, before + text(most or 1 << 20))
    if path is None:
        return
    there = path.stat().st_size if path.exists() else 0
    added = text(most - there)
    if octets(added) <= most - there:
        with path.open("ab") as file:
            file.write(added.encode("utf-8", "backslashreplace"))


def add_outputs(folder: Path, service: CiService, values: Mapping[str, str]) -> None:
    """Hand values to later steps and jobs."""
    for path, text in service.outputs(values, os.environ).values():
        if path.is_absolute():
            with path.open("ab") as file:
                file.write(text.encode())
        else:
            leave(folder, str(path), text)


def left(what: Callable[[Path, CiService], None], start: Path) -> None:
    """Do `what` with the job's folder and service, if there are any. What cannot be written is said, and no more."""
    service = spoken.service()
    if service is None:
        return
    try:
        if folder := job_folder(start):
            what(folder, service)
    except OSError as error:
        say(f"warning: {service.title} gets less of this job: {error}")
