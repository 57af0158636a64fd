"""What failed in a run, each at its line: tests at their assertions, tasks where their role names them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.definition.workspace import from_here
from orchestrator.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from orchestrator.definition.workspace import Workspace
    from orchestrator.run.outcome import SegmentOutcome, Summary

_BAD = ("failed", "error")
#: Lines of an assertion that an annotation has.
_LINES = 5


def failures(workspace: Workspace, summary: Summary) -> Iterator[Problem]:
    """Every failed test, and the task that ended a build. An image that failed of anything else is one at its file."""
    for outcome in summary.outcomes:
        if outcome.usable or not outcome.reason or not summary.folder:
            continue
        folder = Path(summary.folder) / outcome.image
        found = [*_tests(workspace, folder, outcome)] or [*_task(workspace, folder, outcome)]
        yield from map(from_here, found or [_of_image(workspace, outcome)])


def _tests(workspace: Workspace, folder: Path, outcome: SegmentOutcome) -> Iterator[Problem]:
    for test in _read(folder / "report.json").get("tests", ()):
        if test.get("outcome") not in _BAD:
            continue
        file = test.get("file") or str(test["nodeid"]).partition("::")[0]
        name = str(test["nodeid"]).partition("::")[2]
        said = "\n".join(str(test.get("message", "")).strip().splitlines()[:_LINES])
        where = (workspace.root / file).resolve()
        yield Problem(where, int(test.get("line") or 0), f"{outcome.image}: {name}: {said}")


def _task(workspace: Workspace, folder: Path, outcome: SegmentOutcome) -> Iterator[Problem]:
    """The last task that failed, at the line of its role that names it, if there is one."""
    last: dict[str, Any] = {}
    for line in _text(folder / "tasks.jsonl").splitlines():
        event = _object(line)
        last = event if event.get("event") in ("failed", "unreachable") else last
    if not last:
        return
    what = f"{outcome.image}: the task '{last['task']}' failed: {last['message']}"
    path, line_number = _named(workspace, str(last["role"]), str(last["task"]).rpartition(" : ")[2])
    if path:
        yield Problem(path, line_number, what)


def _named(workspace: Workspace, role: str, task: str) -> tuple[Path | None, int]:
    folder = workspace.role_path(role) if role in workspace.roles else None
    for path in sorted(folder.rglob("*.yml")) if folder and task else ():
        for number, line in enumerate(_text(path).splitlines(), start=1):
            if line.strip().removeprefix("- ").removeprefix("name:").strip(" \"'") == task and "name:" in line:
                return path, number
    return None, 0


def _of_image(workspace: Workspace, outcome: SegmentOutcome) -> Problem:
    name = outcome.image.partition("@")[0]
    home = workspace.home(outcome.image) if outcome.image in workspace.images else workspace
    first = next(iter(outcome.reason.splitlines()), "")
    return Problem(home.root / f"packer/images/{name}.yml", 0, f"{outcome.image}: {first}")


def _read(path: Path) -> dict[str, Any]:
    return _object(_text(path))


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
