"""`kill -9` at any moment costs the segment in flight: the next build goes on, the sweep removes what stayed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.lab.small import NOTHING, PROGRAMS, environment
from tests.thorough import some

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.small import Small

pytestmark = pytest.mark.long(110)

#: Stages of a build and of a validation; at each of them each image can be killed. One machine at a time does one
#: image after the other: its tests, for which its children wait, come before their builds.
BUILD = ("resolve", "launch", "connect", "provision", "snapshot", "tag")
PROOF = ("boot", "await", "test", "clean up")
ALL = [(image, stage) for image in ("tiny", "top") for stage in (*BUILD, *PROOF)]
#: Those after which most has to be found out or cleared away.
MOMENTS = some([("tiny", "snapshot"), ("top", "tag")], ALL)


@pytest.fixture
def family(small: Small) -> Small:
    slow = "- name: Take a while\n  ansible.builtin.command: sleep 2\n  changed_when: false\n"
    tasks = small.root / "roles/marker/tasks/main.yml"
    tasks.write_text(slow + tasks.read_text())
    small.role("extra", "extra")
    small.image("top", "tiny", "workload: {roles: [extra]}")
    return small


def started(small: Small) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [PROGRAMS / "ami", "build", "--yes", "--parallel", "1"],
        cwd=small.root,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def reached(small: Small, image: str, stage: str, process: subprocess.Popen[bytes], runs: set[Path]) -> bool:
    """Wait until the process, in a run of its own, is at a stage of an image; False when it ends before."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        for run in set((small.root / ".ami/runs").glob("*")) - runs:
            events = (run / "events.jsonl").read_text() if (run / "events.jsonl").exists() else ""
            told = [json.loads(line) for line in events.splitlines() if line.endswith("}")]
            if any(event["image"] == image and event["stage"] == stage for event in told):
                return True
        if process.poll() is not None:
            return False
        time.sleep(0.05)
    process.kill()
    pytest.fail(f"{image} never came to '{stage}'")


@pytest.mark.timeout(5400)
def test_build_when_killed_at_many_moments(family: Small, calls: Callable[[], dict[str, int]]) -> None:
    """Both images come out proven, nothing stays, and no image is made twice but for those that were in flight."""
    made = calls().get("ec2:CreateImage", 0)
    for image, stage in MOMENTS:
        runs = set((family.root / ".ami/runs").glob("*"))
        with started(family) as doomed:
            assert reached(family, image, stage, doomed, runs), f"ended before {image} came to {stage}"
            doomed.send_signal(signal.SIGKILL)
    family.ami("build", "--yes")
    assert {name: one["state"] for name, one in family.listed().items()} == {"tiny": "validated", "top": "validated"}
    family.ami("sweep", "--yes")
    assert family.left_over() == NOTHING
    assert sorted(one["Name"].partition("-")[0] for one in family.images()) == ["tiny", "top"]
    in_flight = sum(stage == "snapshot" for _, stage in MOMENTS)
    assert calls()["ec2:CreateImage"] - made <= 2 + in_flight
    owned = family.ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
    used = {
        mapping["Ebs"]["SnapshotId"]
        for image in family.ec2.describe_images(Owners=["self"])["Images"]
        for mapping in image["BlockDeviceMappings"]
    }
    runs_here = {run.name for run in (family.root / ".ami/runs").iterdir()}
    left = [one for one in owned if one["SnapshotId"] not in used and _run_of(one) in runs_here]
    assert left == []
    assert json.loads(family.ami("sweep", "--yes", "--json"))["found"] == []


def _run_of(thing: Any) -> str:
    return next((tag["Value"] for tag in thing.get("Tags", ()) if tag["Key"] == "ami:run"), "")


def packer_of(small: Small) -> int:
    """The process id of the Packer that works in this workspace."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            argv = (folder / "cmdline").read_bytes().split(b"\0")
            if argv[0].endswith(b"packer") and argv[1:2] == [b"build"] and (folder / "cwd").resolve() == small.root:
                return int(folder.name)
        except (OSError, IndexError):
            continue
    pytest.fail("no Packer runs")


def kill_packer(small: Small, _podman: Callable[..., str]) -> None:
    os.kill(packer_of(small), signal.SIGKILL)


def kill_machine(small: Small, podman: Callable[..., str]) -> None:
    wanted = [
        {"Name": "tag:ami:purpose", "Values": ["build"]},
        {"Name": "tag:ami:run", "Values": [small.last_run().name]},
        {"Name": "instance-state-name", "Values": ["running"]},
    ]
    (reservation,) = small.ec2.describe_instances(Filters=wanted)["Reservations"]
    podman("kill", "--signal", "KILL", f"ami-lab-{small.lab.name}-{reservation['Instances'][0]['InstanceId']}")


@pytest.mark.thorough
@pytest.mark.parametrize("kill", [kill_packer, kill_machine])
def test_build_when_packer_or_the_machine_is_killed(
    small: Small, podman: Callable[..., str], kill: Callable[[Small, Callable[..., str]], None]
) -> None:
    """The run builds the segment once more, by itself, and leaves nothing."""
    slow = "- name: Take a while\n  ansible.builtin.command: sleep 5\n  changed_when: false\n"
    tasks = small.root / "roles/marker/tasks/main.yml"
    tasks.write_text(slow + tasks.read_text())
    with started(small) as process:
        assert reached(small, "tiny", "provision", process, set())
        kill(small, podman)
        assert process.wait(timeout=300) == 0
    assert small.listed()["tiny"]["state"] == "validated"
    assert small.left_over() == NOTHING
    assert "attempt 2" in (small.last_run() / "tiny/packer.log").read_text()
