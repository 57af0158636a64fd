"""What can be said of a lab at one moment."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.contract.lab import LabAccountJson, LabJson
    from orchestrator.lab.accounts.organisation import LabAccount


class Condition(StrEnum):
    """What can be said of a lab."""

    UP = "up"
    DOWN = "down"
    SILENT = "silent"
    """Its server runs and does not answer: it is busy or stopped. What it holds is not lost."""
    DEAD = "dead"
    """Its server is gone, and with it what it held; something of it is left."""


@dataclass(frozen=True)
class LabStatus:
    """A lab at one moment."""

    name: str
    condition: Condition
    endpoint: str = ""
    pid: int = 0
    machines: int = 0
    folder: str = ""
    systems: tuple[str, ...] = ()
    """What it has AMIs of."""
    calls: dict[str, int] = field(default_factory=dict)
    """How many API calls it has answered, by `service:Action`."""
    accounts: tuple[LabAccount, ...] = ()
    memory: int = 0
    """What its server holds, in MiB; machines hold their own."""

    def as_json(self) -> LabJson:
        """What `ami lab status --json` prints."""
        return {
            "schema": "ami/lab/1",
            "lab": self.name,
            "condition": self.condition.value,
            "endpoint": self.endpoint or None,
            "pid": self.pid or None,
            "machines": self.machines,
            "memory": self.memory or None,
            "folder": self.folder or None,
            "systems": list(self.systems),
            "calls": self.calls,
            "accounts": [_account(each) for each in self.accounts],
        }


def _account(account: LabAccount) -> LabAccountJson:
    return {
        "account": account.account_id,
        "name": account.name,
        "unit": account.unit or None,
        "access_key_id": account.key_id,
        "secret_access_key": account.secret_key,
        "bucket": account.bucket,
    }


def memory_of(pid: int) -> int:
    """The resident memory of a process in MiB (proc(5), `VmRSS` in kB); 0 when it is gone."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) // 1024
    return 0
