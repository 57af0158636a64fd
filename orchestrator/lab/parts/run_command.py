"""Systems Manager's Run Command and managed nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.lab.ssm.run_command import RunCommandApi

if TYPE_CHECKING:
    from orchestrator.lab.assembly import Assembly


def install(lab: Assembly) -> None:
    """Answer Run Command's actions of the service `ssm`; parameters are moto's."""
    settings = lab.settings
    lab.handlers["ssm"] = RunCommandApi(
        lab.machines, settings.command_delay, lab.tables.recent_ids, settings.agent_waits
    )
