"""Our ansible-playbook is Ansible's to whoever calls it, and writes down what each task did: the same with Mitogen."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestrator.build.ansible.secret_files import secret_folder
from orchestrator.build.ansible.tasks import Follower, TaskEvent, TaskOutcome
from orchestrator.build.launch.environment import STRATEGY
from orchestrator.build.launch.variables import ansible_command
from orchestrator.build.launch.wrapper_variables import CONNECTION_VARIABLE

PLAY = """
- hosts: all
  connection: local
  gather_facts: false
  tasks:
    - name: Apply
      ansible.builtin.include_role:
        name: "{{ item }}"
      loop: [nginx]
"""

ROLE = """
- name: Say it
  ansible.builtin.command: echo grün
- name: Fail softly
  ansible.builtin.command: "false"
  ignore_errors: true
"""


UNREACHABLE = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Reach it
      ansible.builtin.command: "true"
"""


@dataclass
class Stage:
    """A playbook `workload.yml` with a role `nginx`, and one run of it."""

    root: Path
    strategy: dict[str, str]

    def role(self, tasks: str) -> None:
        folder = self.root / "roles" / "nginx" / "tasks"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "main.yml").write_text(tasks)
        (self.root / "workload.yml").write_text(PLAY)

    def start(self, *arguments: str, command: str = "", **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [command or ansible_command(), *arguments],
            env={
                **os.environ,
                "TMPDIR": str(self.root),
                "ANSIBLE_HOME": str(self.root / "home"),
                **self.strategy,
                **environment,
            },
            cwd=self.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def play(self, playbook: str = "workload.yml", command: str = "") -> subprocess.Popen[str]:
        interpreter = f"ansible_python_interpreter={sys.executable}"
        events = str(self.root / "events")
        return self.start("-i", "localhost,", "-e", interpreter, playbook, command=command, AMI_EVENTS=events)

    @property
    def events(self) -> list[TaskEvent]:
        return list(Follower(self.root / "events").read())

    def temporary(self) -> list[str]:
        return [path.name for path in self.root.glob("ami-*")]


@pytest.fixture(params=[{}, STRATEGY], ids=["plain", "mitogen"])
def stage(tmp_path: Path, request: pytest.FixtureRequest) -> Stage:
    return Stage(tmp_path, request.param)


def test_tasks_are_written_down_with_role_and_time(stage: Stage) -> None:
    stage.role(ROLE)
    with stage.play() as process:
        out, err = process.communicate()
    assert process.returncode == 0, out + err
    assert [(event.layer, event.role, event.task, event.event) for event in stage.events if event.role] == [
        ("workload", "nginx", "Say it", TaskOutcome.START),
        ("workload", "nginx", "Say it", TaskOutcome.CHANGED),
        ("workload", "nginx", "Fail softly", TaskOutcome.START),
        ("workload", "nginx", "Fail softly", TaskOutcome.IGNORED),
    ]
    assert all(event.seconds for event in stage.events if event.event is TaskOutcome.CHANGED)
    assert stage.temporary() == []


def test_layer_is_the_one_that_packer_names(stage: Stage) -> None:
    """Layers share a playbook: events name the layer, and its secret variables come, not those of the file's name."""
    stage.role("- name: Say it\n  ansible.builtin.debug: {msg: 'it is {{ word }}'}\n")
    given = ("-i", "localhost,", "--extra-vars", '{"layer_name": "extra", "layer_roles": ["nginx"]}', "workload.yml")
    with secret_folder({"extra": {"word": "sesame-1234"}, "workload": {"word": "other"}}, ["sesame-1234"]) as folder:
        process = stage.start(*given, AMI_EVENTS=str(stage.root / "events"), AMI_SECRETS=str(folder))
        out, err = process.communicate()
    assert process.returncode == 0, out + err
    assert {event.layer for event in stage.events} == {"extra"}
    assert re.search(r"it is (?!sesame|other)", out)


def test_output_is_ansibles_own(stage: Stage) -> None:
    stage.role("- name: Say it\n  ansible.builtin.debug: {msg: grün}\n")
    with stage.play() as ours, stage.play(command=str(Path(sys.executable).parent / "ansible-playbook")) as theirs:
        (our_out, our_err), (their_out, their_err) = ours.communicate(), theirs.communicate()
    # ansible-runner drops the empty line at the end.
    assert (our_out, our_err) == (their_out.removesuffix("\n"), their_err)


def test_failure_keeps_exit_code_and_says_why(stage: Stage) -> None:
    stage.role('- name: Break\n  ansible.builtin.shell: "echo no such package >&2; exit 4"\n')
    with stage.play() as process:
        process.communicate()
    assert process.returncode == 2
    last = stage.events[-1]
    assert (last.task, last.event) == ("Break", TaskOutcome.FAILED)
    assert last.message == "non-zero return code\nno such package"


def test_failure_before_any_task_is_written_down_too(stage: Stage) -> None:
    (stage.root / "broken.yml").write_text("- hosts: [\n")
    with stage.play("broken.yml") as process:
        process.communicate()
    (event,) = stage.events
    assert process.returncode == 4
    assert (event.layer, event.task, event.event) == ("broken", "", TaskOutcome.FAILED)
    assert "YAML parsing failed" in event.message


def test_no_log_result_stays_hidden(stage: Stage) -> None:
    stage.role('- name: Hide\n  ansible.builtin.shell: "echo sesame-1234; exit 1"\n  no_log: true\n')
    with stage.play() as process:
        out, err = process.communicate()
    assert stage.events[-1].event is TaskOutcome.FAILED
    assert "sesame-1234" not in out + err + (stage.root / "events").read_text()


def test_connection_is_shared_by_the_playbooks_of_a_build(stage: Stage) -> None:
    """What Packer says of ssh stays, and the build's socket is added to it."""
    ssh = stage.root / "ssh"
    ssh.write_text(f'#!/bin/sh\necho "$@" >>{stage.root}/called\nexit 255\n')
    ssh.chmod(0o755)
    (stage.root / "base.yml").write_text(UNREACHABLE)
    given = {"ANSIBLE_SSH_ARGS": "-o ControlPersist=300s", "ANSIBLE_SSH_EXECUTABLE": str(ssh)}
    given |= {CONNECTION_VARIABLE: f"{stage.root}/%C", "AMI_EVENTS": str(stage.root / "events")}
    with stage.start("-i", "127.0.0.1,", "base.yml", **given) as process:
        process.communicate()
    assert f"-o ControlPersist=300s -o ControlPath={stage.root}/%C" in (stage.root / "called").read_text()


def test_modules_are_kept_for_the_next_playbook(tmp_path: Path) -> None:
    """Those that are installed here; one that was cut off, or is of another file, is worked out anew."""
    stage, kept = Stage(tmp_path, {**STRATEGY, "MITOGEN_MODULES": str(tmp_path / "kept")}), tmp_path / "kept"
    stage.role(ROLE)
    with stage.play() as first:
        first.communicate()
    contents = {file.name: file.read_text() for file in kept.glob("*/*")}
    assert {"ansible.module_utils.basic.json", "ansible_mitogen.target.json"} <= contents.keys()
    (of_versions,) = kept.iterdir()
    (of_versions / "ansible.module_utils.basic.json").write_text('["ansible.module_ut')
    target = json.loads(contents["ansible_mitogen.target.json"])
    (of_versions / "ansible_mitogen.target.json").write_text(json.dumps([[1, 2], *target[1:-2], "", []]))
    with stage.play() as second:
        second.communicate()
    assert (first.returncode, second.returncode) == (0, 0)
    assert {file.name: file.read_text() for file in kept.glob("*/*")} == contents


def test_unreachable_machine_is_told_as_such(stage: Stage) -> None:
    (stage.root / "base.yml").write_text(UNREACHABLE)
    with stage.start(
        "-i", "127.0.0.1,", "-e", "ansible_port=1", "base.yml", AMI_EVENTS=str(stage.root / "events")
    ) as it:
        it.communicate()
    last = stage.events[-1]
    assert it.returncode == 4
    assert (last.layer, last.task, last.event) == ("base", "Reach it", TaskOutcome.UNREACHABLE)
    assert "Connection refused" in last.message


@pytest.mark.parametrize("to", ["group", "process"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_ansible(stage: Stage, to: str, number: signal.Signals) -> None:
    stage.role("- name: Take long\n  ansible.builtin.command: sleep 601\n")
    with stage.play() as process:
        while not any(event.task == "Take long" for event in stage.events):
            time.sleep(0.1)
        if to == "group":
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        began = time.monotonic()
        process.communicate(timeout=300)
    assert time.monotonic() - began < 300
    assert process.returncode != 0
    assert stage.temporary() == []


def test_version_is_ansibles_own(stage: Stage) -> None:
    """Packer reads the first line."""
    with stage.start("--version", AMI_EVENTS=str(stage.root / "events")) as process:
        out, _ = process.communicate()
    with stage.start("--version", command=str(Path(sys.executable).parent / "ansible-playbook")) as process:
        first, *_ = process.communicate()[0].splitlines()
    assert first.startswith("ansible-playbook [core ")
    assert (process.returncode, out) == (0, f"{first}\n")
    assert not (stage.root / "events").exists()


def test_without_events_file_it_becomes_ansible_playbook(stage: Stage) -> None:
    stage.role(ROLE)
    with stage.start("--syntax-check", "-i", "localhost,", "workload.yml") as process:
        out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert "playbook: workload.yml" in out
