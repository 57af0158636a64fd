"""Who does a run: the process, and the machine that it is on, so that others can tell whether it still lives.

A number of a process means something only where it was given: on one machine, since one boot, in one PID namespace
(two containers of one host each have a process 17). `machine` stands for all of that. Without /proc (macOS) it is
empty, and nothing is known of a process but what its lease says.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path


class Life(StrEnum):
    """What can be said of an owner's process from here."""

    RUNS = "runs"
    GONE = "gone"
    UNKNOWN = "unknown"
    """It is, or was, on another machine."""


@dataclass(frozen=True)
class LeaseOwner:
    """The process that does a run."""

    run: str
    host: str
    #: Tells one boot of one machine, and one PID namespace, from others; empty when that cannot be known.
    machine: str
    pid: int
    #: The clock tick since boot in which the process began (proc(5), `starttime`).
    birth: str
    commit: str = ""

    def __str__(self) -> str:
        return f"run {self.run} (process {self.pid} on {self.host})"

    @property
    def life(self) -> Life:
        """Whether the process still runs."""
        if not self.machine or self.machine != machine_id():
            return Life.UNKNOWN
        return Life.RUNS if _runs(self.pid, self.birth) else Life.GONE

    def as_json(self) -> dict[str, object]:
        """A JSON object with every field."""
        return asdict(self)


def this_process(run: str, commit: str = "") -> LeaseOwner:
    """The owner of a run that this process does."""
    pid = os.getpid()
    return LeaseOwner(run, socket.gethostname(), machine_id(), pid, _birth(pid), commit)


def owner_from(text: str | bytes) -> LeaseOwner | None:
    """The owner that a JSON object names, whatever else is in it; None when it names none."""
    try:
        values = json.loads(text)
        names = {name: values[name] for name in ("run", "host", "machine", "birth", "commit")}
        pid = values["pid"]
    except (ValueError, TypeError, KeyError):
        return None
    whole = isinstance(pid, int) and all(isinstance(value, str) for value in names.values())
    return LeaseOwner(pid=pid, **names) if whole else None


@cache
def machine_id() -> str:
    """What is equal only for processes that see each other's numbers. Empty where the system does not tell."""
    try:
        parts = [Path("/proc/sys/kernel/random/boot_id").read_text().strip(), str(Path("/proc/self/ns/pid").readlink())]
    except OSError:
        return ""
    machine = Path("/etc/machine-id")
    parts += [machine.read_text().strip() if machine.is_file() else "", socket.gethostname()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _runs(pid: int, birth: str) -> bool:
    """Whether the process is there, and is the one that began then. What may not be seen counts as there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    state, began = _stat(pid)
    return state not in ("Z", "X") and began in ("", birth)


def _birth(pid: int) -> str:
    return _stat(pid)[1]


def _stat(pid: int) -> tuple[str, str]:
    """A process's state and birth; empty when they cannot be read."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "", ""
    # The fields after the name begin with the third, the state; the start time is the twenty-second (proc(5)).
    return fields[0], fields[19]
