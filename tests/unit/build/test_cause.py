"""Why a build failed, told from what real Packers said and what EC2 says of machines."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from orchestrator.build.ansible.tasks import TaskEvent, TaskOutcome
from orchestrator.build.cause import Cause, FailureEvidence, Gone, cause_of, kernel_hint
from orchestrator.build.watch import Watch
from orchestrator.progress import ignore

RECORDED = Path(__file__).parent / "recorded"


def recorded(name: str, task: TaskEvent | None = None) -> FailureEvidence:
    """What is seen of a Packer that said what is recorded in a file."""
    watch = Watch("tiny", ignore, io.StringIO())
    for line in (RECORDED / f"{name}.txt").read_text().splitlines():
        watch.take_line(line)
    return FailureEvidence(task, tuple(watch.errors))


def task(event: TaskOutcome, message: str) -> TaskEvent:
    return TaskEvent("", "base", "base.yml", "system", "Do it", event, 1.5, message)


def gone(code: str) -> Gone:
    return Gone("i-1", "terminated", code, "", 0.0)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("no_room", Cause.CAPACITY),
        ("answer_lost", Cause.FAULT),
        ("plugin_killed", Cause.LOST),
        ("killed", Cause.LOST),
        ("disconnected", Cause.LOST),
        ("wrong_user", Cause.REFUSED),
        ("name_taken", Cause.REFUSED),
    ],
)
def test_cause_of_what_packer_said(name: str, expected: Cause) -> None:
    assert cause_of(recorded(name)) is expected


@pytest.mark.parametrize(
    ("event", "message", "expected"),
    [
        (TaskOutcome.FAILED, "no such package", Cause.TASK),
        (TaskOutcome.FAILED, "Connection refused by the database", Cause.TASK),
        (
            TaskOutcome.FAILED,
            "Task failed: Channel was disconnected while connection attempt was in progress",
            Cause.LOST,
        ),
        (TaskOutcome.UNREACHABLE, "ssh: connect to host 10.0.0.1 port 22: Connection refused", Cause.LOST),
        (TaskOutcome.UNREACHABLE, "admin@10.0.0.1: Permission denied (publickey).", Cause.TASK),
    ],
)
def test_cause_when_a_task_ended_the_build(event: TaskOutcome, message: str, expected: Cause) -> None:
    """Whatever a role did to the machine is not made better by another machine."""
    assert cause_of(recorded("unreachable", task(event, message))) is expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("Server.InternalError", Cause.LOST),
        ("Server.SpotInstanceTermination", Cause.LOST),
        ("Server.InsufficientInstanceCapacity", Cause.CAPACITY),
        ("Client.UserInitiatedShutdown", Cause.LOST),
        ("Client.InstanceInitiatedShutdown", Cause.LOST),
        ("Client.InternalError", Cause.REFUSED),
        ("Client.VolumeLimitExceeded", Cause.REFUSED),
        ("", Cause.LOST),
    ],
)
def test_cause_when_ec2_says_why_the_machine_ended(code: str, expected: Cause) -> None:
    assert cause_of(FailureEvidence(errors=("Timeout waiting for SSH.",), gone=gone(code))) is expected


def test_cause_when_a_role_shuts_the_machine_down() -> None:
    off = gone("Client.InstanceInitiatedShutdown")
    assert cause_of(FailureEvidence(task(TaskOutcome.UNREACHABLE, "Connection refused"), gone=off)) is Cause.TASK


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Error launching source instance: Unsupported: t3.small is not supported in us-east-1e", Cause.CAPACITY),
        (
            "Error launching source instance: InsufficientFreeAddressesInSubnet: none\n\tstatus code: 400",
            Cause.CAPACITY,
        ),
        ("Error: Unsupported argument; An argument named 'x' is not expected here.", Cause.OTHER),
        ("Error stopping instance: RequestLimitExceeded: slow down\n\tstatus code: 503", Cause.FAULT),
        ("Error launching source instance: InvalidKeyPair.NotFound: x\n\tstatus code: 400", Cause.FAULT),
        ("Error launching source instance: UnauthorizedOperation: no\n\tstatus code: 403", Cause.REFUSED),
        ("Instance state change details: Server.InternalError: x: Server.InternalError: Internal error", Cause.LOST),
        ("Instance state change details: : Client.InternalError: Client error on launch", Cause.REFUSED),
        (
            "Error waiting for instance to stop: ResourceNotReady: failed waiting for successful resource state",
            Cause.LOST,
        ),
        ("Error waiting for instance to stop: ResourceNotReady: exceeded wait attempts", Cause.OTHER),
        ("Timeout waiting for SSH.", Cause.OTHER),
        ("Error uploading script: ssh: handshake failed: EOF", Cause.LOST),
        ("Script exited with non-zero exit status: 1. Allowed exit codes are: [0]", Cause.OTHER),
    ],
)
def test_cause_of_what_aws_says_through_packer(said: str, expected: Cause) -> None:
    assert cause_of(FailureEvidence(errors=(said,))) is expected


def test_cause_when_packer_was_killed() -> None:
    assert cause_of(FailureEvidence(errors=("half an error",), signal=9)) is Cause.LOST


@pytest.mark.parametrize(
    "message",
    [
        'Failed to reload sysctl: sysctl: setting key "kernel.kptr_restrict": Read-only file system',
        "/bin/sh: 1: cannot create /proc/sys/vm/swappiness: Read-only file system",
        "modprobe: FATAL: Module br_netfilter not found in directory /lib/modules/6.1.0-18-cloud-amd64",
        "swapon: /swapfile: swapon failed: Operation not permitted",
        "Unable to start service docker: Job for docker.service failed because the control process exited with error",
        "mount: /mnt: mount failed: Operation not permitted.",
        "setenforce: SELinux is disabled",
        'sysctl: permission denied on key "net.ipv4.ip_forward"',
        "mount: /mnt: wrong fs type, bad option, bad superblock on overlay, missing codepage or helper program",
        "chattr: Operation not permitted while setting flags on /etc/motd",
        "date: cannot set date: Operation not permitted",
        "Failed to set time: Operation not permitted",
        "/usr/sbin/grub-probe: error: failed to get canonical path of `overlay'.",
    ],
)
def test_hint_when_a_task_wants_a_kernel_of_its_own(message: str) -> None:
    """In the lab it says whose kernel it is; on AWS nothing, and nothing of any other failure."""
    failed = task(TaskOutcome.FAILED, message)
    assert "docs/lab.md" in kernel_hint(FailureEvidence(failed, lab=True))
    assert kernel_hint(FailureEvidence(failed)) == ""


@pytest.mark.parametrize("message", ["no such package", "nginx: [emerg] bind() failed: Read-only file system", ""])
def test_hint_when_a_task_failed_of_something_else(message: str) -> None:
    assert kernel_hint(FailureEvidence(task(TaskOutcome.FAILED, message), lab=True)) == ""
