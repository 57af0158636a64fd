"""What long work says while it runs: one kind of event, handed to a listener.

Floors below the command line never print; they tell a listener. The command line shows events to a person, the run
writes them to `events.jsonl`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum


class Stage(StrEnum):
    """The stages an image passes through in a run, in their order."""

    WAIT = "wait"
    RESOLVE = "resolve"
    LAUNCH = "launch"
    CONNECT = "connect"
    PROVISION = "provision"
    SNAPSHOT = "snapshot"
    BOOT = "boot"
    AWAIT = "await"
    TEST = "test"
    TAG = "tag"
    CLEAN = "clean up"
    DONE = "done"


@dataclass(frozen=True)
class Event:
    """One thing that happened to one image."""

    image: str
    stage: Stage
    message: str = ""
    #: Set while Ansible works, as are role and task.
    layer: str = ""
    role: str = ""
    task: str = ""
    #: How long it took, or has been waited for.
    seconds: float | None = None
    #: The run that does it, or did it, instead of this one.
    run: str = ""
    #: Whether only `--verbose` shows it where there is no terminal: a test that passed.
    detail: bool = False
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def as_json(self) -> dict[str, object]:
        """A JSON object without the empty fields; `at` in ISO 8601, UTC."""
        values = {key: value for key, value in asdict(self).items() if value not in ("", None) and key != "detail"}
        return values | {"at": self.at.isoformat(timespec="milliseconds")}


Listener = Callable[[Event], None]


def ignore(event: Event) -> None:
    """A listener for work that nobody watches."""
