"""Launch templates and what launches from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.lab.ec2.answers import LabResponse
from orchestrator.lab.ec2.templates import actions as template_actions
from orchestrator.lab.own_actions import add_actions

if TYPE_CHECKING:
    from orchestrator.lab.assembly import Assembly


def install(lab: Assembly) -> None:
    """Answer the actions of launch templates."""
    add_actions(LabResponse, template_actions, lab.tables)
