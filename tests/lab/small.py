"""A small workspace whose images are built in seconds, and `ami` in a process of its own to work on it."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.aws.account import Account
from orchestrator.aws.resources.image import KIND as AMI
from tests.cli.contract import kept
from tests.lab.account import present, restore
from tests.lab.dirt import dirt
from tests.lab.forked import forked

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from orchestrator.lab.settings import Settings

REPOSITORY = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent

#: The name of the AMI that `light_ami` makes.
LIGHT = "light-debian-12"
#: Images that need packages start from `debian-12`, the others from `light`.
AMI_YML = """
name: small
default_environment: lab
sources:
  debian-12:
    filter: {name: "debian-12-amd64-*", owner: "136693071363"}
    ssh_username: admin
  light:
    filter: {name: "light-debian-12", owner: self}
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
    foreign: frozenset[str]
    """The AMIs that were there before."""

    def ami(self, *arguments: str, code: int = 0) -> str:
        """What `ami` prints on standard output; it must end with `code`."""
        done = forked(*arguments, cwd=self.root, env={**environment(), **HOSTILE})
        assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        kept(arguments, done.stdout, done.stderr, code)
        return done.stdout

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def left_over(self) -> dict[str, set[str]]:
        """What is in the account now that was not there before, besides AMIs."""
        return {kind: ids - self.before[kind] for kind, ids in held(self.ec2).items()}

    def image(self, name: str, start: str, layers: str) -> None:
        """Define an image, or define it anew."""
        text = IMAGE.replace("NAME", name).replace("FROM", start).replace("LAYER", layers)
        self.write(f"packer/images/{name}.yml", text)

    def role(self, name: str, says: str, *, tested: str = "") -> None:
        """A role that writes what it says into /etc/<its name>, with a test that looks for `tested` or the same."""
        self.write(
            f"roles/{name}/tasks/main.yml", TASKS.replace("marked", says, 1).replace("/etc/marked", f"/etc/{name}")
        )
        text = TESTS.replace('"marked', f'"{tested or says}').replace("/etc/marked", f"/etc/{name}")
        self.write(f"roles/{name}/tests/test_{name}.py", text)

    def planned(self) -> dict[str, str]:
        """What a build would do now: actions by segment, with the fingerprint of a shared one left out."""
        steps = json.loads(self.ami("plan", "--json"))["steps"]
        return {step["image"] or step["segment"].rpartition("-")[0]: step["action"] for step in steps}

    def listed(self, *arguments: str) -> dict[str, Any]:
        """The newest version of each image as `ami list` has it."""
        found: dict[str, Any] = {}
        for one in json.loads(self.ami("list", "--json", *arguments))["versions"]:
            found.setdefault(one["image"], one)
        return found

    def images(self) -> list[Any]:
        """The account's AMIs of this workspace, also those that have no tags."""
        names = {"Name": "name", "Values": ["tiny-*", "tiny@*", "top-*", "side-*", "stack-*"]}
        found: list[Any] = self.ec2.describe_images(Owners=["self"], Filters=[names])["Images"]
        return [one for one in found if one["ImageId"] not in self.foreign]

    def last_run(self) -> Path:
        return max((self.root / ".ami/runs").iterdir())


#: What a person's shell may have set, and no build may notice (docs/environment-variables.md).
HOSTILE = {
    "LC_ALL": "xx_YY.UTF-8",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_PROFILE": "is-not-there",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "ANSIBLE_STRATEGY": "no_such_strategy",
    "PKR_VAR_region": "nowhere-1",
}


def environment() -> dict[str, str]:
    return {**os.environ, "PATH": f"{PROGRAMS}:{os.environ['PATH']}"}


@pytest.fixture
def small(tmp_path: Path, lab: Settings, ec2: Any, light_ami: str) -> Iterator[Small]:  # noqa: ARG001 - by its name
    before = present(ec2)
    made = Small(tmp_path, lab, ec2, held(ec2), frozenset(one for kind, one in before if kind is AMI))
    made.write("ami.yml", AMI_YML)
    made.image("tiny", "light", "base")
    variables = (REPOSITORY / "packer/environments/lab.pkrvars.hcl").read_text()
    made.write("packer/environments/lab.pkrvars.hcl", variables.replace("http://127.0.0.1:4999", lab.endpoint))
    made.write("roles/marker/tasks/main.yml", TASKS)
    made.write("roles/marker/tests/test_marker.py", TESTS)
    yield made
    unclean = {image["Name"]: dirt(lab, ec2, image["ImageId"]) for image in made.images() if built(image)}
    restore(Account("us-east-1", endpoint=lab.endpoint, access_key="lab", secret_key="lab"), before)
    assert not any(unclean.values()), unclean


def built(image: Any) -> bool:
    """Whether an AMI is one of a build that came to its end, and made from a machine: an encrypted one is a copy."""
    return image["State"] == "available" and bool(image.get("Tags")) and "SourceInstanceId" in image


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


def await_stage(small: Small, stage: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and process.poll() is None:
        for record in small.root.glob(".ami/runs/*/events.jsonl"):
            if any(
                json.loads(line)["stage"] == stage for line in record.read_text().splitlines() if line.endswith("}")
            ):
                return
        time.sleep(0.1)
    process.kill()
    pytest.fail(f"the stage '{stage}' was never reached")
