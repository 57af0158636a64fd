"""A build in the lab gives an AMI; one that fails, is stopped or is killed says why and leaves nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.aws.account import Account
from orchestrator.aws.resources.image import KIND as IMAGE
from orchestrator.aws.resources.instance import KIND as INSTANCE
from orchestrator.aws.resources.key_pair import KIND as KEY_PAIR
from orchestrator.aws.resources.security_group import KIND as SECURITY_GROUP
from orchestrator.aws.resources.snapshot import KIND as SNAPSHOT
from orchestrator.aws.resources.volume import KIND as VOLUME
from orchestrator.build.build import BuildFailed, BuildRequest, Built, build
from orchestrator.build.cause import Cause
from orchestrator.build.cleanup.leftovers import Build, find_leftovers
from orchestrator.build.cleanup.remove import remove
from orchestrator.build.packer.installed import packer
from orchestrator.errors import Interrupted
from orchestrator.progress import Event, Stage
from orchestrator.render.packer_set import packer_set
from tests.lab.account import present, restore
from tests.thorough import some

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestrator.aws.resource_kind import ResourceKind
    from orchestrator.lab.settings import Settings

pytestmark = [pytest.mark.long(330), pytest.mark.packers]

TEMPLATE = """
variable "version" { type = string }
variable "ami_name" { type = string }
variable "run" { type = string }
variable "workspace" { type = string }
variable "ansible_command" { type = string }
variable "run_tags" { type = map(string) }
variable "ami_tags" { type = map(string) }
variable "source_filters" { type = map(string) }
variable "source_owners" { type = list(string) }
variable "security_group_id" { type = string }
variable "ssh_keypair_name" { type = string }
variable "ssh_private_key_file" { type = string }
variable "endpoint" { type = string }
variable "instance_type" { default = "t3.small" }
variable "subnet_id" { default = "" }

locals {
  run_tags = { "ami:run" = var.run, "ami:image" = "tiny", "ami:purpose" = "build" }
}

source "amazon-ebs" "tiny" {
  region                     = "us-east-1"
  access_key                 = "lab"
  secret_key                 = "lab"
  custom_endpoint_ec2        = var.endpoint
  skip_region_validation     = true
  skip_credential_validation = true
  skip_metadata_api_check    = true
  instance_type              = var.instance_type
  subnet_id                  = var.subnet_id
  security_group_id          = var.security_group_id
  ssh_username               = "admin"
  ssh_interface              = "private_ip"
  ssh_keypair_name           = var.ssh_keypair_name
  ssh_private_key_file       = var.ssh_private_key_file
  ami_name                   = var.ami_name
  run_tags                   = merge(local.run_tags, var.run_tags)
  run_volume_tags            = merge(local.run_tags, var.run_tags)
  tags                       = var.ami_tags
  source_ami_filter {
    filters     = var.source_filters
    owners      = var.source_owners
    most_recent = true
  }
  aws_polling {
    delay_seconds = 1
    max_attempts  = 60
  }
}

build {
  sources = ["source.amazon-ebs.tiny"]
  provisioner "ansible" {
    playbook_file = "${var.workspace}/playbooks/workload.yml"
    command       = var.ansible_command
    user          = "admin"
    use_proxy     = false
    ansible_env_vars = [
      "ANSIBLE_HOST_KEY_CHECKING=False",
      "ANSIBLE_SSH_ARGS=-o ControlMaster=auto -o ControlPersist=300s -o UserKnownHostsFile=/dev/null",
    ]
  }
}
"""

ROLE = """
- name: Write a mark
  ansible.builtin.copy:
    content: made by ansible
    dest: /root/mark
    mode: "0644"
"""

FAILING = """
- name: Install the impossible
  ansible.builtin.shell: "echo no such package >&2; exit 7"
"""

SLOW = """
- name: Take long
  ansible.builtin.command: sleep 60
"""


@dataclass
class Workshop:
    """A workspace with one image `tiny`, and what its builds told."""

    root: Path
    account: Account
    start: str
    """The AMI that builds start from."""
    place: Path
    numbers: count[int] = field(default_factory=count)
    events: list[Event] = field(default_factory=list)
    before: set[tuple[ResourceKind, str]] = field(default_factory=set)
    """What was in the account before."""

    def request(self, tasks: str = ROLE, *, mitogen: bool = True) -> BuildRequest:
        """A build whose one role has these tasks."""
        role = self.root / "playbooks" / "roles" / "marked" / "tasks"
        role.mkdir(parents=True, exist_ok=True)
        (role / "main.yml").write_text(tasks)
        play = "- hosts: all\n  become: true\n  gather_facts: false\n  roles: [marked]\n"
        (self.root / "playbooks" / "workload.yml").write_text(play)
        (self.root / "tiny.pkr.hcl").write_text(required() + TEMPLATE)
        (self.root / "lab.pkrvars.hcl").write_text(f'endpoint = "{self.account.endpoint}"\n')
        run = f"{self.root.name}-{next(self.numbers)}"
        return BuildRequest(
            image="tiny",
            version=run,
            run=run,
            template=self.root / "tiny.pkr.hcl",
            var_file=self.root / "lab.pkrvars.hcl",
            folder=self.root / ".ami" / "runs" / run / "tiny",
            workspace=self.root,
            account=self.account,
            source_filters={"image-id": self.start},
            source_owners=("self",),
            tags={"ami:run": run, "note": "{{ not a template }} ${nor this}"},
            mitogen=mitogen,
        )

    def left(self) -> dict[str, list[Any]]:
        """All that an account may not hold when nothing builds, whatever its tags say."""
        new = present(self.account.client("ec2")) - self.before
        return {
            "instances": [name for kind, name in new if kind is INSTANCE],
            "keys": [name for kind, name in new if kind is KEY_PAIR],
            "groups": [name for kind, name in new if kind is SECURITY_GROUP],
            "volumes": [name for kind, name in new if kind is VOLUME],
            "images": [name for kind, name in new if kind is IMAGE],
            "snapshots": [name for kind, name in new if kind is SNAPSHOT],
        }


def required() -> str:
    """What a template begins with that asks for plugins; nothing for a Packer that has them built in."""
    asked = packer_set(packer().version).required_plugins({}).items()
    lines = [f'    {name} = {{ source = "{one["source"]}", version = "{one["version"]}" }}' for name, one in asked]
    return "\n".join(["packer {", "  required_plugins {", *lines, "  }", "}", ""]) if lines else ""


NOTHING: dict[str, list[Any]] = {
    "instances": [],
    "keys": [],
    "groups": [],
    "volumes": [],
    "images": [],
    "snapshots": [],
}


@pytest.fixture(params=some(["mitogen"], ["mitogen", "plain"]))
def mitogen(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "mitogen")


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where builds of this test have their private folders, short enough for sockets. No process may stay in it."""
    with tempfile.TemporaryDirectory(prefix="w") as name:
        monkeypatch.setattr(tempfile, "tempdir", name)
        yield Path(name)
        monkeypatch.undo()
        assert processes_in(Path(name)) == []
        assert list(Path(name).glob("ami-*")) == []


@pytest.fixture
def workshop(lab: Settings, light_ami: str, tmp_path: Path, place: Path, key: Path) -> Iterator[Workshop]:  # noqa: ARG001
    """The key pair of other tests is there before."""
    account = Account("us-east-1", "", lab.endpoint, "lab", "lab")
    made = Workshop(tmp_path, account, light_ami, place, before=present(account.client("ec2")))
    yield made
    restore(account, made.before)


def test_build_names_its_ami_and_leaves_only_that(workshop: Workshop, bench: Any) -> None:
    request = workshop.request()
    built = build(request, workshop.events.append)
    (image,) = workshop.account.client("ec2").describe_images(ImageIds=[built.ami_id])["Images"]
    (mapping,) = image["BlockDeviceMappings"]
    assert built == Built(image["ImageId"], "us-east-1")
    assert image["Name"] == request.ami_name
    assert {tag["Key"]: tag["Value"] for tag in image["Tags"]} == request.tags
    expected = {**NOTHING, "images": [built.ami_id], "snapshots": [mapping["Ebs"]["SnapshotId"]]}
    try:
        assert workshop.left() == expected
    finally:
        bench.discard(built.ami_id)
    tasks = [(event.layer, event.role, event.task, event.message) for event in workshop.events if event.task]
    assert tasks == [
        ("workload", "marked", "Write a mark", "start"),
        ("workload", "marked", "Write a mark", "changed"),
    ]
    stages = list(dict.fromkeys(event.stage for event in workshop.events))
    assert workshop.events[-1].stage is Stage.TAG
    assert {Stage.LAUNCH, Stage.CONNECT, Stage.PROVISION, Stage.SNAPSHOT} <= set(stages)


def test_failed_task_is_named_and_nothing_stays(workshop: Workshop) -> None:
    with pytest.raises(BuildFailed) as failed:
        build(workshop.request(FAILING), workshop.events.append)
    message = failed.value.message
    assert "tiny: layer workload, role marked, task 'Install the impossible' failed" in message
    assert "no such package" in message
    assert str(failed.value.log) in message
    assert failed.value.log.read_text().count("Launching a source AWS instance") == 1
    assert "no such package" in failed.value.log.read_text()
    assert workshop.left() == NOTHING


#: What Packer says at the beginning of its stages.
STAGES = [
    "Prevalidating",
    "Launching a source AWS instance",
    "Waiting for SSH",
    "Connected to SSH",
    "Executing Ansible",
    "Stopping the source instance",
    "Creating AMI",
    "Waiting for AMI",
    "Terminating the source",
]


@pytest.mark.parametrize("beginning", some([STAGES[1], STAGES[4], STAGES[6], STAGES[7]], STAGES))
def test_interrupted_in_any_stage_leaves_nothing(workshop: Workshop, beginning: str) -> None:
    request = workshop.request()

    def stop(event: Event) -> None:
        workshop.events.append(event)
        if event.message.startswith(beginning):
            request.stop.set()

    with pytest.raises(Interrupted, match="nothing was left behind"):
        build(request, stop)
    assert request.stop.is_set()
    assert workshop.left() == NOTHING


def test_second_request_kills_packer_and_still_removes_what_it_can(workshop: Workshop, *, mitogen: bool) -> None:
    request = workshop.request(SLOW, mitogen=mitogen)

    def stop(event: Event) -> None:
        if event.task == "Take long":
            request.stop.set()
            request.urgent.set()

    with pytest.raises(Interrupted) as stopped:
        build(request, stop)
    stayed = find_leftovers(request.account, Build(request.run, ami_names=request.ami_names))
    assert all(leftover.id in stopped.value.message for leftover in stayed)
    assert not [leftover for leftover in stayed if leftover.kind is INSTANCE]
    remove(request.account, find_leftovers(request.account, Build(request.run)), patience=300)
    assert workshop.left() == NOTHING


@pytest.mark.parametrize("task", some([SLOW], [SLOW, ROLE]))
def test_killed_packer_leaves_nothing(workshop: Workshop, task: str, *, mitogen: bool) -> None:
    """Killed at the start of Ansible, with all its processes or with Ansible deep in a task."""
    request = workshop.request(task, mitogen=mitogen)

    def kill(event: Event) -> None:
        if event.task:
            for pid, name in processes(request.folder):
                if name == "packer":
                    os.kill(pid, signal.SIGKILL)

    with pytest.raises(BuildFailed, match=r"signal 9|Packer"):
        build(request, kill)
    assert workshop.left() == NOTHING
    assert processes(request.folder) == []


def test_lost_machine_is_made_up_for_once(workshop: Workshop, bench: Any) -> None:
    """Somebody terminates the machine in the middle of a task: the build begins anew, and its log has both attempts."""
    request = workshop.request(SLOW.replace("60", "8"))
    ec2 = workshop.account.client("ec2")
    lost: list[str] = []

    def lose(event: Event) -> None:
        workshop.events.append(event)
        if event.task == "Take long" and not lost:
            lost.extend(workshop.left()["instances"])
            ec2.terminate_instances(InstanceIds=lost)

    built = build(request, lose)
    bench.discard(built.ami_id)
    assert [event.stage for event in workshop.events if event.message.startswith("building once more")] == [
        Stage.LAUNCH
    ]
    log = (request.folder / "packer.log").read_text()
    assert log.count("Launching a source AWS instance") == 2
    assert "---- attempt 2 ----" in log
    assert workshop.left() == NOTHING


def test_machine_that_ends_while_packer_waits_for_it_is_noticed(workshop: Workshop) -> None:
    """Packer would wait for ten minutes. It is lost again and again here: the second time is final."""
    request = workshop.request()
    ec2 = workshop.account.client("ec2")

    def lose(event: Event) -> None:
        workshop.events.append(event)
        if event.message.startswith("Waiting for SSH"):
            ec2.terminate_instances(InstanceIds=workshop.left()["instances"])

    began = time.monotonic()
    with pytest.raises(BuildFailed, match="the machine was lost") as failed:
        build(request, lose)
    assert time.monotonic() - began < 600
    assert failed.value.cause is Cause.LOST
    assert "attempt 1: the machine was lost" in failed.value.message
    assert workshop.left() == NOTHING


ALONE = """
import json, sys
from pathlib import Path
from orchestrator.aws.account import Account
from orchestrator.build.build import BuildRequest, build
given = json.load(sys.stdin)
paths = {key: Path(value) for key, value in given.pop("paths").items()}
build(BuildRequest(**given.pop("plain"), **paths, account=Account(**given.pop("account")), **given))
"""


def test_killed_driver_takes_packer_along(workshop: Workshop, eventually: Callable[..., Any]) -> None:
    """Packer is told by the kernel, cleans up by itself, and Ansible ends; what stays is the driver's own."""
    request = workshop.request(SLOW)
    paths = {name: str(getattr(request, name)) for name in ("template", "var_file", "folder", "workspace")}
    plain = {name: getattr(request, name) for name in ("image", "version", "run")}
    given: dict[str, Any] = {"paths": paths, "plain": plain, "account": asdict(request.account)}
    given |= {"source_filters": dict(request.source_filters), "source_owners": request.source_owners}
    with subprocess.Popen([sys.executable, "-c", ALONE], stdin=subprocess.PIPE, text=True) as driver:
        assert driver.stdin is not None
        driver.stdin.write(json.dumps(given))
        driver.stdin.close()
        tasks = request.folder / "tasks.jsonl"
        eventually(lambda: tasks.exists() and "Take long" in tasks.read_text(), "the task")
        driver.kill()
    eventually(lambda: processes(request.folder) == [], "the end of Packer and Ansible")
    assert workshop.left()["instances"] == []
    stayed = find_leftovers(request.account, Build(request.run, ami_names=request.ami_names))
    assert {leftover.kind for leftover in stayed} == {KEY_PAIR, SECURITY_GROUP}
    assert remove(request.account, stayed, patience=300) == ()
    assert workshop.left() == NOTHING


def processes(folder: Path) -> list[tuple[int, str]]:
    """The processes of a build, known by the events file in their environment: pid and name."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment, name = (process / "environ").read_bytes(), (process / "comm").read_text().strip()
        except OSError:
            continue
        if f"AMI_EVENTS={folder}".encode() in environment:
            found.append((int(process.name), name))
    return found


def processes_in(place: Path) -> list[str]:
    """The command lines of processes that have a folder in their environment or in their command line."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command, environment = (process / "cmdline").read_bytes(), (process / "environ").read_bytes()
        except OSError:
            continue
        if str(place).encode() in command + environment:
            found.append(command.replace(b"\0", b" ").decode("utf-8", "replace").strip())
    return found


def test_interrupted_task_leaves_no_process(workshop: Workshop, *, mitogen: bool) -> None:
    """With a connection that would live on for minutes."""
    request = workshop.request(ROLE + SLOW, mitogen=mitogen)
    running: list[str] = []

    def stop(event: Event) -> None:
        if event.task == "Take long" and not running:
            running.extend(processes_in(workshop.place))
            request.stop.set()

    with pytest.raises(Interrupted, match="nothing was left behind"):
        build(request, stop)
    assert [command for command in running if command.startswith(f"ssh: {workshop.place}") and "[mux]" in command]
    assert processes_in(workshop.place) == []


def test_build_without_mitogen_says_why(workshop: Workshop, bench: Any) -> None:
    """In the log and to whoever listens, once."""
    request = workshop.request(mitogen=False)
    bench.discard(build(request, workshop.events.append).ami_id)
    said = [event.message for event in workshop.events if "without Mitogen" in event.message]
    assert said == ["Ansible runs without Mitogen: ami.yml says so (ansible: {mitogen: false})"]
    assert said[0] in (request.folder / "packer.log").read_text()


def test_two_builds_at_once_do_not_meet(workshop: Workshop, bench: Any) -> None:
    requests = [workshop.request(), workshop.request()]
    built: list[Built] = []
    threads = [threading.Thread(target=lambda request=request: built.append(build(request))) for request in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made = workshop.account.client("ec2").describe_images(ImageIds=workshop.left()["images"])["Images"]
    for one in built:
        bench.discard(one.ami_id)
    assert sorted(image["Name"] for image in made) == sorted(request.ami_name for request in requests)
    assert workshop.left() == NOTHING
