"""What a person is told of a build that failed, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.build.ansible.tasks import TaskEvent, TaskOutcome
from orchestrator.build.cause import FailureEvidence
from orchestrator.build.failure import BuildFailed


def hint(evidence: FailureEvidence) -> str:
    return BuildFailed("tiny", log=Path("packer.log"), evidence=evidence).hint


@pytest.mark.parametrize(
    "evidence",
    [
        FailureEvidence(errors=("Error waiting for SSH: ssh: handshake failed: ssh: unable to authenticate",)),
        FailureEvidence(
            TaskEvent(
                "", "base", "", "r", "T", TaskOutcome.UNREACHABLE, 1.0, "admin@10.0.0.1: Permission denied (publickey)."
            )
        ),
    ],
    ids=["packer", "ansible"],
)
def test_hint_when_the_builds_user_is_not_let_in(evidence: FailureEvidence) -> None:
    """Whether Packer or Ansible met it: it names the settings of sshd that do it."""
    assert "AllowUsers" in hint(evidence)
    assert "ssh_username" in hint(evidence)


def test_hint_when_a_task_wants_a_kernel_in_the_lab() -> None:
    """The page that says what the lab cannot do is named."""
    failed = TaskEvent("", "base", "", "r", "T", TaskOutcome.FAILED, 1.0, "modprobe: FATAL: Module zfs not found")
    assert "docs/lab.md" in hint(FailureEvidence(failed, lab=True))
    assert hint(FailureEvidence(failed)) == ""


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("Missing sudo password", "without a password"),
        ("sudo: sorry, you must have a tty to run sudo", "requiretty"),
        ("/bin/sh: 1: /tmp/ansible-tmp-1732-7-2/harden.sh: Permission denied", "noexec"),
        ("Failed to lock apt for exclusive operation", "installs packages by itself"),
        ("E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 812 (apt)", "installs packages"),
    ],
)
def test_hint_when_the_machine_stands_in_the_way(message: str, told: str) -> None:
    assert told in hint(FailureEvidence(TaskEvent("", "base", "", "r", "T", TaskOutcome.FAILED, 1.0, message)))
