"""The playbooks of one build share what the first of them made: the connection, the facts, the package lists."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.aws.account import Account
from orchestrator.build.ansible.tasks import Follower, TaskOutcome
from orchestrator.build.launch.environment import packer_environment, private_folder
from orchestrator.build.launch.processes import end_orphans
from orchestrator.build.launch.variables import ansible_command
from orchestrator.build.request import BuildRequest
from tests.thorough import some

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.long(75)

REPOSITORY = Path(__file__).parents[2]
PLAYBOOK = """
- hosts: all
  become: true
  gather_facts: false
  tasks:
    - ansible.builtin.import_role: {name: seal, tasks_from: open}
    - name: Know the machine
      ansible.builtin.assert:
        that: ansible_facts.os_family == "Debian" and ansible_facts.virtualization_type is defined
"""
TASKS = (
    "Gather the facts that roles ask for",
    "Trade safety against a crash for speed while packages are installed",
    "Fetch the package lists",
    "Know the machine",
)
#: As the rendered file gives it.
RENDERED = {
    "ANSIBLE_HOST_KEY_CHECKING": "False",
    "ANSIBLE_PIPELINING": "True",
    "ANSIBLE_REMOTE_TMP": "/tmp",
    "ANSIBLE_SSH_ARGS": "-o ControlMaster=auto -o ControlPersist=300s -o UserKnownHostsFile=/dev/null",
    "ANSIBLE_ROLES_PATH": f"{REPOSITORY}/roles:{REPOSITORY}/orchestrator/builtin/roles",
}


@pytest.fixture
def private() -> Iterator[Path]:
    with private_folder() as folder:
        yield folder
        end_orphans(folder)


@dataclass
class Playing:
    """One build's Ansible on one machine: each call is one playbook of it."""

    folder: Path
    argv: list[str]
    env: dict[str, str]
    follower: Follower

    def __call__(self) -> dict[str, TaskOutcome]:
        """What became of each task."""
        done = subprocess.run(self.argv, env=self.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return {event.task: event.event for event in self.follower.read() if event.event is not TaskOutcome.START}


def playing(address: str, key: Path, folder: Path, private: Path, *, mitogen: bool) -> Playing:
    (folder / "layer.yml").write_text(PLAYBOOK)
    (folder / "inventory").write_text(f"default ansible_host={address} ansible_user=admin\n")
    request = BuildRequest("x", "v", "r", folder, folder, folder, folder, Account("us-east-1"))
    driver = packer_environment(request, private, os.environ, mitogen=mitogen)
    env = {name: value for name, value in {**os.environ, **driver, **RENDERED}.items() if value is not None}
    argv = [ansible_command(), "--private-key", str(key), "-i", str(folder / "inventory"), str(folder / "layer.yml")]
    return Playing(folder, argv, env, Follower(folder / "tasks.jsonl"))


@pytest.mark.parametrize("mitogen", some([True], [True, False]), ids=lambda mitogen: "mitogen" if mitogen else "plain")
def test_second_playbook_when_the_first_has_prepared_it(
    bench: Any, key: Path, tmp_path: Path, private: Path, *, mitogen: bool
) -> None:
    """It gathers nothing, fetches nothing, and opens no connection; and nothing of Ansible stays on the machine."""
    machine = bench.launch()
    bench.booted(machine)
    play = playing(bench.describe(machine)["PrivateIpAddress"], key, tmp_path, private, mitogen=mitogen)
    first, second = play(), play()
    assert [first[task] for task in TASKS] == ["ok", "changed", "ok", "ok"]
    assert [second[task] for task in TASKS] == ["skipped", "ok", "skipped", "ok"]
    assert int(bench.shell(machine, "journalctl --unit ssh | grep -c 'Accepted publickey'")) == 1
    assert bench.shell(machine, "find /tmp /var/tmp /root /home -name '*ansible*'") == ""
