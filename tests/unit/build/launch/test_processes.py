"""Nothing of a build outlives it: its processes are found by what cannot be anyone else's."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from orchestrator.build.launch.processes import end_orphans

if TYPE_CHECKING:
    from pathlib import Path


def sleeper(title: str = "sleep", **environment: str) -> subprocess.Popen[bytes]:
    """A process that sleeps, under any title, in a session of its own."""
    return subprocess.Popen(
        [title, "60"], executable="/bin/sleep", env={**os.environ, **environment}, start_new_session=True
    )


def test_processes_with_the_builds_folder_are_ended(tmp_path: Path) -> None:
    """Those whose TMPDIR it is, and SSH's masters, which write their title over their environment."""
    worker = sleeper(TMPDIR=str(tmp_path))
    master = sleeper(title=f"ssh: {tmp_path}/0123456789 [mux]")
    end_orphans(tmp_path)
    assert (worker.wait(50), master.wait(50)) == (-9, -9)


def test_processes_of_others_live_on(tmp_path: Path) -> None:
    """Another build's, and one that only looks into the folder."""
    others = [
        sleeper(TMPDIR=f"{tmp_path}-2"),
        sleeper(title=f"ssh: {tmp_path}-2/0123456789 [mux]"),
        sleeper(title=f"tail {tmp_path}/log"),
    ]
    end_orphans(tmp_path)
    alive = [other.poll() is None for other in others]
    for other in others:
        other.kill()
        other.wait()
    assert all(alive)
