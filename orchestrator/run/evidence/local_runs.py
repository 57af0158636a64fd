"""The runs of a workspace, as their folders in `.ami/runs` tell of them."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from orchestrator.masks import hide
from orchestrator.run.evidence.files import files_of
from orchestrator.run.evidence.run_index import KeptFile, RunImage, RunIndex, RunResult, images_from
from orchestrator.run.leases.owner import owner_from
from orchestrator.run.session.identity import OWNER_FILE, SUMMARY_FILE, runs_folder, started_of
from orchestrator.run.sweep.liveness import RunEvidence, fate_of, folder_trace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: What a run leaves that raised an error instead of coming to a summary.
ERROR_FILE = "error.json"
#: The age at which a run counts as dead of which nothing else is known, as in `ami sweep`.
_DEAD = timedelta(hours=24)


def local_runs(root: Path, *, files: bool = True) -> tuple[RunIndex, ...]:
    """Every run whose folder is in the workspace at `root`, the newest first; without `files` none tells of its files.

    To look for those of 1,000 runs takes longer than all else.
    """
    folder = runs_folder(root)
    names = sorted((path.name for path in folder.iterdir()), reverse=True) if folder.is_dir() else []
    return tuple(index for name in names if (index := local_run(folder / name, files=files)) is not None)


def local_run(folder: Path, *, files: bool = True) -> RunIndex | None:
    """What a run's folder says of it; None for what is no folder of a run."""
    started = started_of(folder.name)
    if started is None or folder.is_symlink() or not folder.is_dir():
        return None
    owner, summary, error = (_read(folder / name) for name in (OWNER_FILE, SUMMARY_FILE, ERROR_FILE))
    texts = {name: str(owner.get(name) or "") for name in ("command", "environment", "commit", "host")}
    return RunIndex(
        run=folder.name,
        started=started,
        result=_result(folder, summary, error),
        error=str(error.get("error") or ""),
        seconds=float(summary.get("seconds") or 0.0),
        images=images_from(summary) or _folders(folder),
        files=tuple(_sizes(folder)) if files else (),
        **texts,
    )


def write_error(folder: Path, error: Exception) -> None:
    """Keep in a run's folder why it came to no summary."""
    text = json.dumps({"error": hide(str(error) or type(error).__name__)}, indent=2, ensure_ascii=False)
    (folder / ERROR_FILE).write_text(text + "\n", encoding="utf-8", errors="backslashreplace")


def _sizes(folder: Path) -> Iterator[KeptFile]:
    """The files of a run; one that goes away meanwhile was a temporary one of a run that lives."""
    for path in files_of(folder):
        with suppress(FileNotFoundError):
            yield KeptFile(path, (folder / path).stat().st_size)


def _read(path: Path) -> dict[str, Any]:
    """The JSON object of a file; empty when there is none."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _folders(folder: Path) -> tuple[RunImage, ...]:
    """The images of a run that tells of none: each has a folder."""
    return tuple(RunImage(path.name) for path in sorted(folder.iterdir()) if path.is_dir())


def _result(folder: Path, summary: dict[str, Any], error: dict[str, Any]) -> RunResult:
    if summary.get("interrupted"):
        return RunResult.INTERRUPTED
    if summary or error:
        good = all(one.good for one in images_from(summary)) and not error
        return RunResult.DONE if good else RunResult.FAILED
    trace = folder_trace(owner_from(_bytes(folder / OWNER_FILE)), ended=False)
    dead = fate_of(folder.name, RunEvidence(folder=trace), datetime.now(UTC), _DEAD).dead
    return RunResult.CUT_OFF if dead else RunResult.RUNNING


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
