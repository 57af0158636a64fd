"""Who a run is: its id, its folder, and the commit of the workspace that it builds."""

from __future__ import annotations

import json
import re
import secrets
import shlex
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from orchestrator.errors import LackError
from orchestrator.fetching.git import OF_ANOTHER
from orchestrator.files.whole_file import write_whole
from orchestrator.masks import hide
from orchestrator.process import ProgramFailed, run
from orchestrator.run.leases.owner import LeaseOwner, this_process

#: The file of a run's folder that tells which process does it.
OWNER_FILE = "owner.json"
#: The file that is there when the run has ended.
SUMMARY_FILE = "summary.json"

_STARTED = "%Y%m%dT%H%M%SZ"
_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}")


@dataclass(frozen=True)
class RunIdentity:
    """One invocation that builds or validates."""

    id: str
    #: `.ami/runs/<id>` of the workspace.
    folder: Path
    started: datetime
    commit: str
    owner: LeaseOwner


def begin(workspace_root: Path, environment: str = "") -> RunIdentity:
    """A new run with its folder made. The id sorts by time and is unique among runs of one second.

    The folder says which process does the run, by which command, and in which environment.
    """
    started = datetime.now(UTC)
    name = f"{started:{_STARTED}}-{secrets.token_hex(3)}"
    folder = runs_folder(workspace_root) / name
    folder.mkdir(parents=True)
    try:
        commit = commit_of(workspace_root)
        owner = this_process(name, commit)
        told = {**owner.as_json(), "command": hide(_command_line()), "environment": environment}
        write_whole(folder / OWNER_FILE, json.dumps(told, indent=2) + "\n")
    except OSError:
        folder.rmdir()  # of a run that never began there is nothing to see
        raise
    return RunIdentity(name, folder, started, commit, owner)


def _command_line() -> str:
    """What was typed, as it can be pasted: `ami build web`."""
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])


def runs_folder(workspace_root: Path) -> Path:
    """Where the folders of a workspace's runs are."""
    return workspace_root / ".ami" / "runs"


def started_of(run_id: str) -> datetime | None:
    """When a run began, which its id says; None for what is not the id of a run."""
    if _ID.fullmatch(run_id) is None:
        return None
    try:
        return datetime.strptime(run_id.rpartition("-")[0], _STARTED).replace(tzinfo=UTC)
    except ValueError:
        return None


def commit_of(folder: Path) -> str:
    """The commit that a folder is at, with `-dirty` when it differs from it; an empty string outside git."""
    try:
        head = run(["git", "-C", str(folder), "rev-parse", "HEAD"], check=False, env=dict.fromkeys(OF_ANOTHER))
        status = run(
            ["git", "-C", str(folder), "status", "--porcelain", "--", "."], check=False, env=dict.fromkeys(OF_ANOTHER)
        )
    except (LackError, ProgramFailed):
        return ""
    if head.code != 0:
        return ""
    return head.out.strip() + ("-dirty" if status.out.strip() else "")
