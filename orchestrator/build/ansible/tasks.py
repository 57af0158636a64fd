"""What Ansible does while it provisions: JSON lines, written by `ami-ansible-playbook` and read by the driver.

The file is named in the environment variable AMI_EVENTS. Lines are appended whole, so that a reader may follow.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class TaskOutcome(StrEnum):
    """What happened to a task. IGNORED: it failed, and the playbook says that this does not matter."""

    START = "start"
    OK = "ok"
    CHANGED = "changed"
    FAILED = "failed"
    IGNORED = "ignored"
    SKIPPED = "skipped"
    UNREACHABLE = "unreachable"

    @property
    def ends_build(self) -> bool:
        """Whether Ansible gives up after it (unless the playbook rescues it)."""
        return self in (TaskOutcome.FAILED, TaskOutcome.UNREACHABLE)


@dataclass(frozen=True)
class TaskEvent:
    """One event of one task."""

    #: ISO 8601 in UTC.
    at: str
    layer: str
    playbook: str
    role: str
    #: Empty when the playbook failed before any task: a syntax error, a role that does not exist.
    task: str
    event: TaskOutcome
    #: How long the task took.
    seconds: float | None = None
    #: Why it failed.
    message: str = ""

    def as_line(self) -> str:
        """The event as one line of JSON, newline included."""
        return json.dumps(asdict(self)) + "\n"


def from_line(line: str) -> TaskEvent | None:
    """The event of one line, or None when the line is no event (cut short by a kill, for instance)."""
    try:
        values = json.loads(line)
        known = {field.name: values[field.name] for field in fields(TaskEvent)}
        return TaskEvent(**known | {"event": TaskOutcome(known["event"])})
    except (ValueError, KeyError, TypeError):
        return None


class Follower:
    """Reads the events that were appended to a file since the last reading."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset = 0

    def read(self) -> Iterator[TaskEvent]:
        """The new events; a line that is not yet whole waits for the next reading."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._offset)
                whole, newline, _ = file.read().rpartition(b"\n")
        except FileNotFoundError:
            return
        self._offset += len(whole) + len(newline)
        for line in whole.decode("utf-8", "replace").splitlines():
            event = from_line(line)
            if event is not None:
                yield event
