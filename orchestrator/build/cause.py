"""Why a build failed, as far as it decides whether another attempt makes sense. Pure: what was seen goes in.

Only what nobody wrote can be different the next time: a machine that was lost, an AWS that had no room or no time. A
failed task, a wrong name and a missing permission fail again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from orchestrator.aws.capacity import full_code
from orchestrator.build.ansible.tasks import TaskOutcome
from orchestrator.build.packer.plain import plain

if TYPE_CHECKING:
    from orchestrator.build.ansible.tasks import TaskEvent


class Cause(StrEnum):
    """What a build failed of."""

    TASK = "task"
    CAPACITY = "capacity"
    LOST = "lost"
    FAULT = "fault"
    REFUSED = "refused"
    OTHER = "other"


@dataclass(frozen=True)
class Gone:
    """A machine that ended under Packer, in EC2's words."""

    instance_id: str
    state: str
    #: Code and message of its StateReason (Amazon EC2 API Reference, "StateReason").
    code: str
    message: str
    #: When EC2 said so, in seconds since 1970.
    at: float

    @property
    def is_asked_for(self) -> bool:
        """Whether somebody asked EC2 for the end, and so Packer may have: nothing else has such a reason."""
        return self.code in ("", "Client.UserInitiatedShutdown")

    @property
    def by_itself(self) -> bool:
        """Whether what was built, or asked for, ended it: it would end again."""
        return self.code.startswith("Client.") and not self.is_asked_for

    def __str__(self) -> str:
        said = self.message or self.code or "EC2 gives no reason"
        return f"{self.instance_id} is {self.state}: {said}"


@dataclass(frozen=True)
class FailureEvidence:
    """What was seen of a build that failed."""

    #: The task that ended it.
    task: TaskEvent | None = None
    #: Packer's own.
    errors: tuple[str, ...] = ()
    #: The one that ended Packer; 0 when it ended by itself.
    signal: int = 0
    #: Its machine, if that ended first.
    gone: Gone | None = None
    #: Its machine was one of the lab's, a container on this host.
    lab: bool = False
    #: Packer did not come as far as a machine.
    early: bool = False


#: The machine was there and did not let Ansible in: what was built is wrong, not the machine.
_TURNED_AWAY = re.compile(
    r"Permission denied|Host key verification failed|Too many authentication failures", re.IGNORECASE
)

#: Mitogen tells of a connection that broke as of a task that failed.
_CUT_OFF = re.compile(
    r"Channel was disconnected|Channel closed by remote end|respondent context has disconnected|EOF on stream"
)

#: What Packer and AWS say, and what it means; the first that fits counts. Codes stand alone: `Server.InternalError` is
#: what happened to an instance, `InternalError` what happened to a call.
_SAYINGS = (
    (r"InvalidAMIName\.Duplicate", Cause.FAULT),  # Packer had seen that the name is free: CreateImage's answer was lost
    (r"Invalid(KeyPair|Group|AMIID|InstanceID|Snapshot)\.NotFound", Cause.FAULT),  # not known everywhere yet
    (r"(?<![.\w])(RequestLimitExceeded|Throttling\w*|InternalError|InternalFailure|ServiceUnavailable)\b", Cause.FAULT),
    (r"HTTP 50\d|retry quota exceeded", Cause.FAULT),
    (r"Client\.UserInitiatedShutdown", Cause.LOST),
    (r"(?<!\w)Client\.\w+", Cause.REFUSED),
    (r"(?<!\w)Server\.\w+", Cause.LOST),
    (r"unable to authenticate|authentication error", Cause.REFUSED),
    (r"HTTP 40\d|is used by an existing AMI", Cause.REFUSED),
    (r"(?i)waiting for instance.*(failed waiting for successful resource state|transitioned to Failure)", Cause.LOST),
    (r"disconnected unexpectedly|handshake failed: (EOF|read tcp)|connection reset by peer|broken pipe", Cause.LOST),
    (r"unexpected EOF|connection is shut down|connection lost", Cause.LOST),  # one of Packer's own processes died
)


def cause_of(evidence: FailureEvidence) -> Cause:
    """What a build failed of. What EC2 says of the machine counts more than what Packer and Ansible made of it."""
    if evidence.gone is not None:
        return _of_machine(evidence.gone, evidence.task)
    if evidence.signal:
        return Cause.LOST
    if evidence.task is not None:
        return Cause.LOST if _is_cut_off(evidence.task) else Cause.TASK
    if not evidence.errors:  # Packer gives a reason unless it is killed, though its exit code may be 0 even then
        return Cause.LOST
    return _of_words(plain("\n".join(evidence.errors)))


#: What a task says that asks for a kernel of its own, which a container does not have.
_KERNEL = re.compile(
    r"(/proc/sys\b|sysctl).*(Read-only file system|permission denied|[Ii]nvalid argument|cannot stat)"
    r"|modprobe|/lib/modules/|insmod|Exec format error.*\.ko"
    r"|swapon|losetup|loop device|mount: .*(permission denied|not permitted|must be superuser|wrong fs type)"
    r"|(Job for|Unable to (re)?start service) (docker|containerd|auditd|apparmor|systemd-timesyncd|chrony|ntp)\b"
    r"|cgroup|setenforce|SELinux|selinuxfs|apparmor_parser|auditctl|audit (support|system)"
    r"|hwclock|clock_settime|settimeofday|adjtimex|[Ff]ailed to set (system )?(time|clock)|cannot set date"
    r"|grub-probe|grub-install|cryptsetup|device-mapper|dmsetup|chattr.*not permitted",
    re.DOTALL,
)
#: The lab shares the host's kernel; see docs/lab.md.
_SHARED_KERNEL = (
    "this may work on AWS: machines of the lab are containers, which share the kernel of this host. "
    "docs/lab.md says what does not work there, and how a role can tell"
)


def kernel_hint(evidence: FailureEvidence) -> str:
    """What is told of a task that failed in the lab for want of a kernel of its own; empty for any other failure."""
    wanted = evidence.task is not None and not _is_cut_off(evidence.task) and _KERNEL.search(evidence.task.message)
    return _SHARED_KERNEL if evidence.lab and wanted else ""


def _is_cut_off(task: TaskEvent) -> bool:
    """Whether a task ended because the machine could no longer be reached."""
    if task.event is TaskOutcome.UNREACHABLE:
        return not _TURNED_AWAY.search(task.message)
    return bool(_CUT_OFF.search(task.message))


def _of_machine(gone: Gone, task: TaskEvent | None) -> Cause:
    if full_code(gone.code):
        return Cause.CAPACITY
    if gone.by_itself and task is not None:
        return Cause.TASK
    # One that shuts itself down before anything was done to it has crashed: EC2 says the same of both.
    return Cause.REFUSED if gone.by_itself and gone.code != "Client.InstanceInitiatedShutdown" else Cause.LOST


def _of_words(said: str) -> Cause:
    if re.search(r"Error launching|Error waiting for fleet request|Server\.Insufficient", said) and full_code(said):
        return Cause.CAPACITY
    return next((cause for pattern, cause in _SAYINGS if re.search(pattern, said)), Cause.OTHER)
