"""Launch templates, parameters that stand for AMIs, and what launches from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moto.ssm.responses import SimpleSystemManagerResponse

from orchestrator.lab.ec2.answers import LabResponse
from orchestrator.lab.ec2.templates import actions as template_actions
from orchestrator.lab.own_actions import add_actions
from orchestrator.lab.ssm.parameters import actions as parameter_actions
from orchestrator.lab.ssm.parameters.actions.put_parameter import pending

if TYPE_CHECKING:
    from orchestrator.lab.assembly import Assembly

#: How often what waits is looked at, seconds.
_OFTEN = 0.2


def install(lab: Assembly) -> None:
    """Answer the actions of launch templates and parameters."""
    add_actions(LabResponse, template_actions, lab.tables)
    add_actions(SimpleSystemManagerResponse, parameter_actions, lab.tables)
    lab.every(_OFTEN, pending(lab.tables).write)
