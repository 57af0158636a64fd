"""What figures were measured on: without it they mean nothing."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from orchestrator.run.session.identity import commit_of
from tests.bench.program import environment

if TYPE_CHECKING:
    from pathlib import Path

_VERSION = re.compile(r"\d+\.\d+(\.\d+)?")


def facts(repository: Path) -> dict[str, Any]:
    """Cores, load at the start, date, commit, versions."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit_of(repository),
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 2),
        "system": platform.platform(),
        "python": platform.python_version(),
        **{program: _version(program) for program in ("packer", "ansible-playbook", "podman")},
    }


def _version(program: str) -> str:
    """The first thing in what a program says of its version that looks like one."""
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, env=environment())
    found = _VERSION.search(done.stdout)
    return found[0] if found else ""
