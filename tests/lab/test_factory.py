"""The whole way, typed as a person types it: `ami` in a process of its own, against the running lab."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.lab.settings import Settings

REPOSITORY = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent

AMI_YML = """
name: small
default_environment: lab
sources:
  debian-12:
    filter: {name: "debian-12-amd64-*", owner: "136693071363"}
    ssh_username: admin
layers:
  - base: {roles: [marker, ssm_agent]}
  - workload
"""
IMAGE = """
name: NAME
description: a small image
owner: {team: tests, email: tests@example.com}
from: FROM
layers: [LAYER]
"""
TASKS = """
- name: Leave a mark
  ansible.builtin.copy:
    content: "marked\\n"
    dest: /etc/marked
    mode: "0644"
"""
TESTS = '''
def test_mark(host):
    """The mark is there."""
    assert host.file("/etc/marked").content_string == "marked\\n"
'''


@dataclass(frozen=True)
class Small:
    """A workspace whose images are built in seconds."""

    root: Path
    lab: Settings
    ec2: Any
    before: dict[str, set[str]]
    """What was in the account before; other tests may have machines in it."""

    def ami(self, *arguments: str, code: int = 0) -> str:
        """What `ami` prints on standard output; it must end with `code`."""
        done = subprocess.run(
            [PROGRAMS / "ami", *arguments],
            cwd=self.root,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def left_over(self) -> dict[str, set[str]]:
        """What is in the account now that was not there before, besides AMIs."""
        return {kind: ids - self.before[kind] for kind, ids in held(self.ec2).items()}

    def images(self) -> list[Any]:
        """The account's AMIs of this workspace, also those that have no tags."""
        names = {"Name": "name", "Values": ["tiny-*", "top-*"]}
        found: list[Any] = self.ec2.describe_images(Owners=["self"], Filters=[names])["Images"]
        return found

    def last_run(self) -> Path:
        return max((self.root / ".ami/runs").iterdir())


def environment() -> dict[str, str]:
    return {**os.environ, "PATH": f"{PROGRAMS}:{os.environ['PATH']}"}


@pytest.fixture
def small(tmp_path: Path, lab: Settings, ec2: Any) -> Iterator[Small]:
    made = Small(tmp_path, lab, ec2, held(ec2))
    made.write("ami.yml", AMI_YML)
    made.write(
        "packer/images/tiny.yml", IMAGE.replace("NAME", "tiny").replace("FROM", "debian-12").replace("LAYER", "base")
    )
    variables = (REPOSITORY / "packer/environments/lab.pkrvars.hcl").read_text()
    made.write("packer/environments/lab.pkrvars.hcl", variables.replace("http://127.0.0.1:4999", lab.endpoint))
    shutil.copy(REPOSITORY / "packer/image.pkr.hcl.j2", tmp_path / "packer")
    for folder in ("packer/layers", "playbooks", "roles/ssm_agent", "roles/seal"):
        shutil.copytree(REPOSITORY / folder, tmp_path / folder)
    made.write("roles/marker/tasks/main.yml", TASKS)
    made.write("roles/marker/tests/test_marker.py", TESTS)
    yield made
    for image in made.images():
        ec2.deregister_image(ImageId=image["ImageId"])
        for mapping in image["BlockDeviceMappings"]:
            ec2.delete_snapshot(SnapshotId=mapping["Ebs"]["SnapshotId"])


def held(ec2: Any) -> dict[str, set[str]]:
    """What is in the account besides AMIs, by id."""
    alive = [{"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]}]
    reservations = ec2.describe_instances(Filters=alive)["Reservations"]
    return {
        "instances": {one["InstanceId"] for reservation in reservations for one in reservation["Instances"]},
        "volumes": {one["VolumeId"] for one in ec2.describe_volumes()["Volumes"]},
        "groups": {one["GroupId"] for one in ec2.describe_security_groups()["SecurityGroups"]},
        "keys": {one["KeyName"] for one in ec2.describe_key_pairs()["KeyPairs"]},
    }


NOTHING: dict[str, set[str]] = {"instances": set(), "volumes": set(), "groups": set(), "keys": set()}


def test_build_when_all_is_well(small: Small) -> None:
    """An image ends validated, with its record in tags and files, a child built on it, and nothing else left."""
    small.write(
        "packer/images/top.yml",
        IMAGE.replace("NAME", "top").replace("FROM", "tiny").replace("LAYER", "workload: {roles: [marker]}"),
    )
    small.ami("build", "--yes")
    listed = {one["image"]: one for one in json.loads(small.ami("list", "--json"))}
    tiny, top = listed["tiny"], listed["top"]
    assert (tiny["state"], top["state"], top["parent"]) == ("validated", "validated", tiny["ami_id"])
    assert set(tiny) >= {"image", "version", "ami_id", "state", "fingerprint", "created", "region", "parent"}
    assert top["layers"] == ["base", "workload"]
    assert small.left_over() == NOTHING
    for name in ("packer.log", "tasks.jsonl", "junit.xml", "report.json", "tiny.pkr.hcl"):
        assert (small.last_run() / "tiny" / name).stat().st_size > 0
    summary = json.loads((small.last_run() / "summary.json").read_text())
    assert {one["image"]: one["status"] for one in summary["images"]} == {"tiny": "validated", "top": "validated"}

    shown = json.loads(small.ami("show", top["ami_id"], "--json"))
    assert [parent["image"] for parent in shown["parents"]] == ["tiny"]
    assert small.ami("build", "top", "--yes", "--json").count('"reused"') == 1
    small.ami("validate", "tiny", "--yes")
    assert small.left_over() == NOTHING


def test_build_when_a_role_does_not_do_its_work(small: Small) -> None:
    """The AMI is rejected, nothing is built on it, and the failure is in the JUnit file."""
    small.write(
        "packer/images/top.yml", IMAGE.replace("NAME", "top").replace("FROM", "tiny").replace("LAYER", "workload")
    )
    small.write("roles/marker/tasks/main.yml", TASKS.replace("marked\\n", "broken\\n"))
    told = json.loads(small.ami("build", "--yes", "--json", code=1))
    assert {one["image"]: one["status"] for one in told["images"]} == {"tiny": "rejected", "top": "cancelled"}
    reason = told["images"][0]["reason"]
    assert "marker: test_mark" in reason
    assert "ran: cat -- /etc/marked (0)" in reason, reason
    assert [one["state"] for one in json.loads(small.ami("list", "tiny", "--json"))] == ["rejected"]
    failed = ET.parse(small.last_run() / "tiny/junit.xml").findall(".//testcase[failure]")
    assert [case.get("name") for case in failed] == ["test_mark"]
    assert small.left_over() == NOTHING


def test_build_when_a_task_fails(small: Small) -> None:
    """The end names layer, role and task with the task's own words, and nothing is left in the account."""
    fail = '- name: Give up\n  ansible.builtin.fail: {msg: "no more of this"}\n'
    small.write("roles/marker/tasks/main.yml", fail)
    (told,) = json.loads(small.ami("build", "--yes", "--json", code=1))["images"]
    assert told["status"] == "failed"
    for word in ("base", "marker", "Give up", "no more of this"):
        assert word in told["reason"]
    assert small.left_over() == NOTHING
    assert small.images() == []


@pytest.mark.parametrize("stage", ["launch", "connect", "provision", "snapshot", "boot", "await ssm", "test"])
def test_build_when_interrupted(small: Small, stage: str) -> None:
    """SIGINT at any stage ends with 130 and leaves no instance, volume, key pair or security group."""
    slow = "- name: Take a while\n  ansible.builtin.command: sleep 2\n  changed_when: false\n"
    small.write("roles/marker/tasks/main.yml", slow + TASKS)
    small.write(
        "roles/marker/tests/test_marker.py",
        "import time\n" + TESTS.replace("    assert", "    time.sleep(2)\n    assert"),
    )
    with subprocess.Popen(
        [PROGRAMS / "ami", "build", "--yes"], cwd=small.root, env=environment(), stderr=subprocess.PIPE
    ) as process:
        await_stage(small, stage, process)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=120)
    assert process.returncode == 130, said.decode()
    assert small.left_over() == NOTHING
    states = [one["State"] for one in small.images()]
    assert len(states) == (1 if stage in ("boot", "await ssm", "test") else 0)


def await_stage(small: Small, stage: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        for record in small.root.glob(".ami/runs/*/events.jsonl"):
            if any(
                json.loads(line)["stage"] == stage for line in record.read_text().splitlines() if line.endswith("}")
            ):
                return
        time.sleep(0.1)
    process.kill()
    pytest.fail(f"the stage '{stage}' was never reached")


def test_rendered_file_when_built_by_hand(small: Small) -> None:
    """What `ami render` writes builds with plain Packer."""
    small.ami("render", "tiny", "--out", ".")
    done = subprocess.run(
        ["packer", "build", "-var-file=packer/environments/lab.pkrvars.hcl", "tiny.pkr.hcl"],
        cwd=small.root,
        env={**environment(), "AWS_POLL_DELAY_SECONDS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    (listed,) = json.loads(small.ami("list", "tiny", "--json"))
    assert (listed["image"], listed["state"], listed["version"]) == ("tiny", "built", "manual")
    assert small.left_over() == NOTHING


def test_doctor_when_all_is_there(small: Small) -> None:
    """Every finding is good in the lab."""
    assert all(one["ok"] for one in json.loads(small.ami("doctor", "--json")))


def test_doctor_when_the_lab_is_down(small: Small) -> None:
    """It says what to do, with exit code 3."""
    variables = (small.root / "packer/environments/lab.pkrvars.hcl").read_text()
    small.write("packer/environments/lab.pkrvars.hcl", variables.replace(small.lab.endpoint, "http://127.0.0.1:1"))
    found = {one["what"]: one for one in json.loads(small.ami("doctor", "--json", code=3))}
    assert (found["account"]["ok"], found["account"]["mend"]) == (False, "ami lab up")
