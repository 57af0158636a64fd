"""Who a run is: its id, its folder, and the commit of the workspace that it builds."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orchestrator.errors import LackError
from orchestrator.process import ProgramFailed, run

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class RunIdentity:
    """One invocation that builds or validates. `folder` is `.ami/runs/<id>` of the workspace."""

    id: str
    folder: Path
    started: datetime
    commit: str


def begin(workspace_root: Path) -> RunIdentity:
    """A new run with its folder made. The id sorts by time and is unique among runs of one second."""
    started = datetime.now(UTC)
    name = f"{started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    folder = workspace_root / ".ami" / "runs" / name
    folder.mkdir(parents=True)
    return RunIdentity(name, folder, started, commit_of(workspace_root))


def commit_of(folder: Path) -> str:
    """The commit that a folder is at, with `-dirty` when it differs from it; an empty string outside git."""
    try:
        head = run(["git", "-C", str(folder), "rev-parse", "HEAD"], check=False)
        status = run(["git", "-C", str(folder), "status", "--porcelain", "--", "."], check=False)
    except (LackError, ProgramFailed):
        return ""
    if head.code != 0:
        return ""
    return head.out.strip() + ("-dirty" if status.out.strip() else "")
