"""What can be said of a lab at one moment."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.contract.lab import LabAccountJson, LabJson, LabSettingsJson
    from orchestrator.lab.accounts.organisation import LabAccount
    from orchestrator.lab.settings import Settings


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
    memory: int = 0
    """What its server holds, in MiB; machines hold their own."""
    settings: Settings | None = None
    """How it was started, once it is up."""

    @property
    def accounts(self) -> tuple[LabAccount, ...]:
        """Its accounts, the management account first."""
        return self.settings.organisation.accounts if self.settings else ()

    @property
    def ways(self) -> Iterator[str]:
        """How it was started, in sentences: what differs between labs, and between this one and AWS."""
        if (lab := self.settings) is None:
            return
        agent = "the real amazon-ssm-agent" if lab.real_agent else "the lab's stand-in for the SSM agent"
        yield f"its machines install {agent}"
        delays = "" if lab.realistic else f"; an image is pending for {lab.image_delay:g} s"
        yield f"a command of Systems Manager costs {lab.command_delay:g} s{delays}"
        if lab.realistic:
            yield "boots, snapshots, copies and parameters take as long as on AWS"
        if lab.enforce_iam:
            yield "callers may do only what policies allow"
        if lab.lenient:
            yield "what a call asks for and the lab ignores is written to its log, and not refused"

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
            "settings": _settings(self.settings) if self.settings else None,
        }


def _settings(lab: Settings) -> LabSettingsJson:
    return {
        "agent": "real" if lab.real_agent else "stand-in",
        "agent_waits": lab.agent_waits,
        "command_delay": lab.command_delay,
        "image_delay": lab.image_delay,
        "realistic": lab.realistic,
        "lenient": lab.lenient,
        "enforce_iam": lab.enforce_iam,
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
