"""Two `ami build` at once, as two CI jobs of one commit: they share the work, do each thing once, and both end well."""

from __future__ import annotations

import shutil
import signal
import subprocess
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
        [PROGRAMS / "ami", "build", "--yes", "--json", "--parallel", "1"],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def ended(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """What each image came to, by name; the run must have gone well."""
    out, err = process.communicate(timeout=900)
    assert process.returncode == 0, out.decode() + err.decode()
    return {one["image"]: one for one in printed(out.decode())["images"]}


def test_build_when_two_build_the_same(small: Small, tmp_path_factory: Any) -> None:
    """Each segment is built and tested once, by either; what one run builds, the other does not wait for but adopts."""
    small.role("extra", "extra")
    small.image("top", "tiny", "workload: {roles: [extra]}")
    small.image("side", "light", "workload: {roles: [ssm_agent, extra]}")
    other = tmp_path_factory.mktemp("other") / "checkout"
    shutil.copytree(small.root, other)
    runs = [ended(process) for process in [started(small.root), started(other)]]
    names = {"tiny", "top", "side"}
    assert Counter(one["Name"].partition("-")[0] for one in small.images()) == dict.fromkeys(names, 1)
    for name in names:
        assert {(run[name]["ami_id"], run[name]["status"]) for run in runs} == {(runs[0][name]["ami_id"], "validated")}
        assert [bool(run[name]["adopted"]) for run in runs].count(True) == 1
    assert all(any(not one["adopted"] for one in run.values()) for run in runs), "one run did all of it"
    assert small.left_over() == NOTHING


@pytest.mark.thorough
def test_build_when_the_other_builder_is_killed(small: Small) -> None:
    """Whoever builds something else meanwhile takes over at once, and does not wait until the lease has expired."""
    small.role("extra", "extra")
    slow = "- name: Take a while\n  ansible.builtin.command: sleep 20\n  changed_when: false\n"
    small.write("roles/extra/tasks/main.yml", slow + (small.root / "roles/extra/tasks/main.yml").read_text())
    small.image("side", "light", "workload: {roles: [ssm_agent, extra]}")
    with started(small.root) as doomed:
        await_stage(small, "provision", doomed)
        waiting = started(small.root)
        await_stage(small, "wait", waiting)
        doomed.send_signal(signal.SIGKILL)
    images = ended(waiting)
    assert {name: (one["status"], one["adopted"]) for name, one in images.items()} == {
        "tiny": ("validated", None),
        "side": ("validated", None),
    }
    small.ami("sweep", "--yes")
    assert small.left_over() == NOTHING
