"""Systems Manager's Run Command and managed nodes, with the lab's stand-in for the agent in the machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.lab.ssm.delivery import Delivery
from orchestrator.lab.ssm.nodes import Nodes
from orchestrator.lab.ssm.run_command import RunCommandApi

if TYPE_CHECKING:
    from orchestrator.lab.assembly import Assembly


def install(lab: Assembly) -> None:
    """Answer Run Command's actions of the service `ssm`; parameters are moto's."""
    settings = lab.settings
    if settings.real_agent:
        # parts/agent.py answers.
        return
    nodes = Nodes(lab.machines)
    delivery = Delivery(nodes, settings.command_delay, settings.agent_waits)
    lab.handlers["ssm"] = RunCommandApi(nodes, delivery, settings.command_delay, lab.tables.recent_ids)
