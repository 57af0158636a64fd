"""Why a build failed, in the words of what failed: Ansible's task, else Packer's errors."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from orchestrator.build.cause import cause_of, kernel_hint
from orchestrator.build.packer.plain import plain
from orchestrator.errors import StageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from orchestrator.build.ansible.tasks import TaskEvent
    from orchestrator.build.cause import FailureEvidence

_LOCKED_OUT = (
    "the source's ssh_username is wrong, or its SSH server does not let that user in: see AllowUsers, AllowGroups, "
    "DenyUsers and PubkeyAcceptedAlgorithms in the sshd_config of the image that is built on, and of this one"
)

#: What Packer or AWS say when something is lacking, and what to do about it.
_HINTS = (
    (
        r"NoCredentialProviders|[Nn]o valid credential sources|cached credentials|InvalidClientTokenId|AuthFailure",
        "check the credentials of the environment's profile",
    ),
    (r"ExpiredToken|RequestExpired", "the credentials have expired: log in again"),
    (r"UnauthorizedOperation|AccessDenied", "the credentials lack a permission that Packer needs"),
    (r"Insufficient\w*(Capacity|Subnet)", "name `other_instance_types` or `other_subnet_ids` in the environment"),
    (r"VcpuLimitExceeded|InstanceLimitExceeded|LimitExceeded", "the account is at a limit: see its service quotas"),
    (r"[Cc]onnection refused|no such host|request send failed|send request failed", "does the endpoint answer?"),
    (
        r"[Tt]imeout waiting for SSH",
        "the machine must be reachable: subnet, `ssh_interface` and the source's ssh_username",
    ),
    (r"InvalidAMIName\.Duplicate", "a version is built once: start a new run"),
    (r"handshake failed|authentication error|Permission denied \(publickey", _LOCKED_OUT),
    (
        r"[Mm]issing sudo password|a password is required|is not in the sudoers file|not allowed to run sudo",
        "the build's user must be able to use sudo for everything, without a password",
    ),
    (
        r"must have a tty to run sudo|no tty present",
        "sudo demands a terminal (requiretty): /etc/sudoers must include /etc/sudoers.d, where the build undoes that",
    ),
    (
        r"/ansible-tmp-\S*: (/\S+: bad interpreter: )?Permission denied",
        "the machine's folder for temporary files is noexec: give the task an `executable` (ansible.builtin.script)",
    ),
    (
        r"Could not get lock|[Uu]nable to (acquire the dpkg frontend|lock)|Failed to lock apt|dpkg frontend lock",
        "something on the machine installs packages by itself while it is built: which timer or agent does?",
    ),
)


#: How the list that Packer ends with begins.
_NAME = re.compile(r"(?m)^==> [\w.-]+: ")
#: What Packer puts in front of an error when it repeats it.
_ENDED = re.compile(r"^Build '[^']*' errored after [^:]*: ")
_HEADLINE = "==> Some builds didn't complete successfully"


class BuildFailed(StageError):
    """A Packer build failed. Carries why, what may have stayed behind, what failed before, and where the log is."""

    def __init__(
        self, image: str, *, log: Path, evidence: FailureEvidence, left: Iterable[str] = (), story: Iterable[str] = ()
    ) -> None:
        self.image = image
        self.log = log
        self.evidence = evidence
        self.cause = cause_of(evidence)
        self.reason = _reason(evidence)
        self.left = tuple(left)
        self.story = tuple(story)
        parts = [f"{image}: {self.reason}", *self.story]
        if self.left:
            parts.append("may have stayed behind: " + ", ".join(self.left))
        parts.append(f"log: {log}")
        super().__init__("\n".join(parts), hint=kernel_hint(evidence) or _hint(self.reason))

    def after(self, story: Iterable[str]) -> BuildFailed:
        """The same failure, of a build that had failed before: `story` says of what, a line for each attempt."""
        return BuildFailed(self.image, log=self.log, evidence=self.evidence, left=self.left, story=story)


def _reason(evidence: FailureEvidence) -> str:
    if evidence.gone is not None:
        return f"the machine was lost: {evidence.gone}"
    if evidence.task is not None:
        return _task_story(evidence.task)
    died = (f"Packer was ended by signal {evidence.signal}",) if evidence.signal else ()
    return _packer_story((*evidence.errors, *died))


def _task_story(task: TaskEvent) -> str:
    where = [f"layer {task.layer}"]
    if task.role:
        where.append(f"role {task.role}")
    if task.task:
        where.append(f"task '{task.task}'")
    return f"{', '.join(where)} {task.event}:\n{task.message}"


def _packer_story(errors: Sequence[str]) -> str:
    """Packer's distinct errors. It repeats each one in its summary, and its name in front of each line."""
    story: list[str] = []
    for error in (plain(_ENDED.sub("", _NAME.sub("", error))) for error in errors):
        if error and not error.startswith(_HEADLINE) and not any(error in known or known in error for known in story):
            story.append(error)
    return "Packer failed:\n" + "\n".join(story or ["it ended in the middle of its work, as if it was killed"])


def _hint(said: str) -> str:
    return next((hint for pattern, hint in _HINTS if re.search(pattern, said)), "")
