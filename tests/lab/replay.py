"""Small workspaces whose builds play a recording, each with a program `packer` of its own; several run at once."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.definition.levels.extended import BUILTIN_ROOT
from tests.cli.contract import printed
from tests.lab.forked import forked
from tests.lab.small import IMAGE, PROGRAMS, REPOSITORY, TASKS, TESTS
from tests.packers.setting import Home

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from orchestrator.lab.settings import Settings

AMI_YML = """
name: replayed
default_environment: lab
ansible: {mitogen: false}
sources:
  start:
    START
    ssh_username: admin
layers: [workload]
"""
#: The variable keeps images from sharing what they are made of.
LAYER = "workload: {{roles: [{role}, ssm_agent], vars: {{whose: {image}}}}}"
FAILING = """
- name: Install the impossible
  ansible.builtin.command: sh -c 'echo one, two; echo three >&2; exit 7'
  changed_when: false
"""
BOOTED = '''
def test_name(host):
    """The machine has been booted anew."""
    assert host.file("/etc/machine-id").size > 1
'''


@dataclass
class Replay:
    """A workspace, and the folder with the Packer that builds its images. `more` is what `ami` has in its environment
    besides; None takes a variable out of it.
    """

    root: Path
    images: tuple[str, ...]
    packer: Path
    more: dict[str, str | None] = field(default_factory=dict)

    @property
    def image(self) -> str:
        """The name of the only image."""
        (name,) = self.images
        return name

    @property
    def environment(self) -> dict[str, str]:
        """Packer's folder comes first on PATH, and a person's variable names its plugins."""
        path = f"{self.packer}:{PROGRAMS}:{os.environ['PATH']}"
        own = {"PATH": path, "PACKER_PLUGIN_PATH": str(self.packer / "plugins")}
        return {name: value for name, value in {**os.environ, **own, **self.more}.items() if value is not None}

    def ami(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """What `ami` says and how it ends."""
        return forked(*arguments, cwd=self.root, env=self.environment)

    def begin(self) -> Running:
        """Start `ami build` of all images at once."""
        with (self.root / "build.out").open("w") as out, (self.root / "build.err").open("w") as err:
            process = subprocess.Popen(
                [PROGRAMS / "ami", "build", "--yes", "--json", "--parallel", "12"],
                cwd=self.root,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        return Running(self, process)

    @property
    def events(self) -> list[dict[str, Any]]:
        """What was told of the images in all runs."""
        found: list[dict[str, Any]] = []
        for record in sorted(self.root.glob(".ami/runs/*/events.jsonl")):
            told = [json.loads(line) for line in record.read_text().splitlines() if line.endswith("}")]
            found += [event for event in told if event["image"] in self.images]
        return found

    @property
    def log(self) -> str:
        """Packer's logs."""
        return "".join(path.read_text() for path in sorted(self.root.glob(".ami/runs/*/*/packer.log")))

    @property
    def runs(self) -> list[str]:
        """The ids of all runs."""
        return sorted(path.name for path in self.root.glob(".ami/runs/*"))


@dataclass
class Running:
    """An `ami build` on its way."""

    replay: Replay
    process: subprocess.Popen[bytes]

    def end(self, seconds: float = 900) -> Ended:
        """Wait for its end."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            pytest.fail(f"{self.replay.images} did not end in {seconds} s:\n{self.replay.log[-3000:]}")
        out, err = ((self.replay.root / name).read_text() for name in ("build.out", "build.err"))
        summary = printed(out) if out.strip() else {}
        return Ended(self.replay, code, summary, err)

    def await_holds(self, home: Home, seconds: float = 600) -> list[int]:
        """Wait until the builds of all images stay where they were told to; the process ids of their Packers."""
        wanted = {(image, home.setting.holds.get(image, "the end")) for image in self.replay.images}
        deadline = time.monotonic() + seconds
        held: dict[tuple[str, str], int] = {}
        while time.monotonic() < deadline and self.process.poll() is None:
            held = {(note["held"], note["at"]): note["pid"] for note in home.notes if "held" in note}
            if held.keys() >= wanted:
                return list(held.values())
            time.sleep(0.1)
        said = (self.replay.root / "build.err").read_text()
        self.process.kill()
        pytest.fail(f"never held: {wanted - held.keys()}\n{said}\n{self.replay.log[-3000:]}")

    def await_log(self, text: str, seconds: float = 600) -> None:
        """Wait until `ami` has taken note of what Packer said."""
        deadline = time.monotonic() + seconds
        while text not in self.replay.log:
            if time.monotonic() > deadline:
                pytest.fail(f"{self.replay.images} never said {text!r}:\n{self.replay.log[-3000:]}")
            time.sleep(0.1)

    def interrupt(self) -> None:
        """As Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)

    def close(self) -> None:
        """End whatever still runs: `ami`, and the Packers that would hold for ever."""
        if self.process.poll() is None:
            self.process.kill()
        for note in Home(self.replay.packer).notes:
            if note.get("argv", [""])[0] == "build":
                with suppress(ProcessLookupError):
                    os.kill(note["pid"], signal.SIGKILL)

    def kill(self, packers: Iterable[int] = ()) -> None:
        """End `ami` without a word, and these Packers with it."""
        self.process.kill()
        for pid in packers:
            os.kill(pid, signal.SIGKILL)
        self.process.wait(100)


@dataclass(frozen=True)
class Ended:
    """How an `ami build` ended. `code` is its exit code, `said` what it printed on standard error."""

    replay: Replay
    code: int
    summary: Mapping[str, Any]
    said: str

    @property
    def outcome(self) -> Mapping[str, Any]:
        """The image's line of the summary; empty when the run did not come to one."""
        return next((one for one in self.summary.get("images", ()) if one["image"] == self.replay.image), {})

    @property
    def reason(self) -> str:
        """Why it did not go well, and what helps."""
        return f"{self.outcome.get('reason', '')}\n{self.outcome.get('hint', '')}"


def plain(text: str, image: str) -> str:
    """A text without what differs between two builds of one recording: ids, names, addresses, times."""
    text = re.sub(r"\d{8}T\d{6}Z-[0-9a-f]{8}(-\d+)?", "VERSION", text.replace(image, "IMAGE"))
    text = re.sub(r"\b(ami|i|snap|sg|vol)-[0-9a-f]{8,}", r"\1-ID", text)
    text = re.sub(r" is (shutting-down|terminated): ", " is GONE: ", text)
    text = re.sub(r"\b10\.\d+\.\d+\.\d+", "ADDRESS", text)
    text = re.sub(r"/(tmp|srv)/[\w./-]+", "FILE", text)
    return re.sub(r"\d+ (minutes?|seconds?|milliseconds)", "TIME", text)


def workspace(
    root: Path,
    images: Iterable[str],
    packer: Path,
    lab: Settings,
    *,
    role: str = "marker",
    start: str,
) -> Replay:
    """A workspace whose images have one role each and start from the AMI `start`; and a Packer."""
    made = Replay(root, tuple(images), packer)
    write(root, "ami.yml", AMI_YML.replace("START", f"ami_id: {start}"))
    for image in made.images:
        text = IMAGE.replace("NAME", image).replace("FROM", "start")
        write(root, f"packer/images/{image}.yml", text.replace("LAYER", LAYER.format(role=role, image=image)))
    variables = (REPOSITORY / "packer/environments/lab.pkrvars.hcl").read_text()
    variables = variables.replace("http://127.0.0.1:4999", lab.endpoint)
    write(root, "packer/environments/lab.pkrvars.hcl", variables)
    for folder in ("playbooks", "roles/ssm_agent", "roles/seal"):
        shutil.copytree(BUILTIN_ROOT / folder, root / folder)
    for name in ("seal", "ssm_agent"):  # their own tests look for more than a replayed machine went through
        shutil.rmtree(root / "roles" / name / "tests")
        write(root, f"roles/{name}/tests/test_{name}.py", BOOTED)
    for name, tasks, tests in (("marker", TASKS, TESTS), ("broken", FAILING, TESTS)):
        write(root, f"roles/{name}/tasks/main.yml", tasks)
        write(root, f"roles/{name}/tests/test_{name}.py", tests)
    return made


def write(root: Path, path: str, text: str) -> None:
    """Write a file of a workspace."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def left(ec2: Any, replays: Iterable[Replay]) -> dict[str, list[str]]:
    """What the account holds of these workspaces: by the tag of their runs, by the names of their images, and the
    snapshots of what they made.
    """
    here = list(replays)
    runs = [{"Name": "tag:ami:run", "Values": [run for one in here for run in one.runs] or ["none"]}]
    names = [{"Name": "name", "Values": [f"{image}-*" for one in here for image in one.images]}]
    machines = [one for each in ec2.describe_instances(Filters=runs)["Reservations"] for one in each["Instances"]]
    images = {one["ImageId"] for one in ec2.describe_images(Owners=["self"], Filters=names)["Images"]}
    images |= {one["ImageId"] for one in ec2.describe_images(Owners=["self"], Filters=runs)["Images"]}
    made_of = [one["InstanceId"] for one in machines]
    disks = ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
    tagged = {one["SnapshotId"] for one in ec2.describe_snapshots(OwnerIds=["self"], Filters=runs)["Snapshots"]}
    loose = {one["SnapshotId"] for one in disks if any(name in one.get("Description", "") for name in made_of)}
    return {
        "instances": [
            one["InstanceId"] for one in machines if one["State"]["Name"] not in ("terminated", "shutting-down")
        ],
        "images": sorted(images),
        "snapshots": sorted(tagged | loose),
        "volumes": [one["VolumeId"] for one in ec2.describe_volumes(Filters=runs)["Volumes"]],
        "groups": [one["GroupId"] for one in ec2.describe_security_groups(Filters=runs)["SecurityGroups"]],
        "keys": [one["KeyName"] for one in ec2.describe_key_pairs(Filters=runs)["KeyPairs"]],
    }


NOTHING: dict[str, list[str]] = {
    "instances": [],
    "images": [],
    "snapshots": [],
    "volumes": [],
    "groups": [],
    "keys": [],
}


def discard(ec2: Any, replays: Iterable[Replay]) -> None:
    """Remove whatever is left, whether the tests passed or not."""
    here = list(replays)
    found = left(ec2, here)
    for image in found["images"]:
        ec2.deregister_image(ImageId=image)
    for snapshot in found["snapshots"]:
        ec2.delete_snapshot(SnapshotId=snapshot)
    if found["instances"]:
        ec2.terminate_instances(InstanceIds=found["instances"])
    for key in found["keys"]:
        ec2.delete_key_pair(KeyName=key)
