"""Why a build failed, in the words of what failed: Ansible's task, else Packer's errors."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from orchestrator.errors import StageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from orchestrator.build.tasks import TaskEvent

#: What Packer or AWS say when something is lacking, and what to do about it.
_HINTS = (
    (r"NoCredentialProviders|InvalidClientTokenId|AuthFailure", "check the credentials of the environment's profile"),
    (r"ExpiredToken|RequestExpired", "the credentials have expired: log in again"),
    (r"UnauthorizedOperation|AccessDenied", "the credentials lack a permission that Packer needs"),
    (r"InsufficientInstanceCapacity", "AWS has no machine of this type to spare: another instance type or subnet"),
    (r"VcpuLimitExceeded|InstanceLimitExceeded|LimitExceeded", "the account is at a limit: see its service quotas"),
    (r"[Cc]onnection refused|no such host|RequestError: send request failed", "is the environment's endpoint running?"),
    (
        r"[Tt]imeout waiting for SSH",
        "the machine must be reachable: subnet, `ssh_interface` and the source's ssh_username",
    ),
    (r"InvalidAMIName\.Duplicate", "a version is built once: start a new run"),
    (r"handshake failed", "the source's ssh_username is wrong, or its SSH server refuses the key"),
)


#: How the list that Packer ends with begins.
_HEADLINE = "==> Some builds didn't complete successfully"


class BuildFailed(StageError):
    """A Packer build failed. Carries the failed task, if any, what may have stayed behind, and where the log is."""

    def __init__(
        self, image: str, *, log: Path, task: TaskEvent | None, errors: Sequence[str], left: Iterable[str] = ()
    ) -> None:
        self.image = image
        self.log = log
        self.task = task
        self.errors = tuple(errors)
        self.left = tuple(left)
        said = _task_story(task) if task is not None else _packer_story(errors)
        parts = [f"{image}: {said}"]
        if self.left:
            parts.append("may have stayed behind: " + ", ".join(self.left))
        parts.append(f"log: {log}")
        super().__init__("\n".join(parts), hint=_hint(said))


def _task_story(task: TaskEvent) -> str:
    where = [f"layer {task.layer}"]
    if task.role:
        where.append(f"role {task.role}")
    if task.task:
        where.append(f"task '{task.task}'")
    return f"{', '.join(where)} {task.event}:\n{task.message}"


def _packer_story(errors: Sequence[str]) -> str:
    """Packer's distinct errors. It repeats each one in its summary."""
    story: list[str] = []
    for error in errors:
        if error and not error.startswith(_HEADLINE) and not any(error in known or known in error for known in story):
            story.append(error)
    return "Packer failed:\n" + "\n".join(story or ["it gave no reason"])


def _hint(said: str) -> str:
    return next((hint for pattern, hint in _HINTS if re.search(pattern, said)), "")
