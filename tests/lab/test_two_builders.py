"""Two `ami build` at once, as two CI jobs of one commit: each thing is done once, and both end well."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.contract import printed
from tests.lab.small import NOTHING, PROGRAMS, await_stage, environment

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.small import Small

pytestmark = pytest.mark.long(145)


def started(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [PROGRAMS / "ami", "build", "--yes", "--json"],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def ended(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """What each image came to, by name; the run must have gone well."""
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, out.decode() + err.decode()
    return {one["image"]: one for one in printed(out.decode())["images"]}


def test_build_when_two_build_the_same(small: Small, tmp_path_factory: Any) -> None:
    """Each segment is built and tested once; who comes second adopts both the AMI and its verdict."""
    small.role("extra", "extra")
    small.image("top", "tiny", "workload: {roles: [extra]}")
    other = tmp_path_factory.mktemp("other") / "checkout"
    shutil.copytree(small.root, other)
    first, second = (ended(process) for process in [started(small.root), started(other)])
    assert Counter(one["Name"].partition("-")[0] for one in small.images()) == {"tiny": 1, "top": 1}
    for name in ("tiny", "top"):
        assert first[name]["ami_id"] == second[name]["ami_id"]
        assert {first[name]["status"], second[name]["status"]} == {"validated"}
    assert [bool(run[name].get("adopted")) for name in ("tiny", "top") for run in (first, second)].count(True) == 2
    assert small.left_over() == NOTHING


def test_build_when_the_other_builder_is_killed(small: Small) -> None:
    """Whoever waits for a killed run takes over at once, and does not wait until its lease has expired."""
    slow = "- name: Take a while\n  ansible.builtin.command: sleep 20\n  changed_when: false\n"
    small.write("roles/marker/tasks/main.yml", slow + (small.root / "roles/marker/tasks/main.yml").read_text())
    with started(small.root) as doomed:
        await_stage(small, "provision", doomed)
        waiting = started(small.root)
        time.sleep(3)
        doomed.send_signal(signal.SIGKILL)
        assert ended(waiting)["tiny"]["status"] == "validated"
    small.ami("sweep", "--yes")
    assert small.left_over() == NOTHING
