"""Launch templates, parameters that stand for AMIs, Auto Scaling groups and load balancers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moto.ssm.responses import SimpleSystemManagerResponse

from orchestrator.lab.autoscaling.installing import install as install_autoscaling
from orchestrator.lab.autoscaling.rounds import GroupRounds
from orchestrator.lab.ec2.answers import LabResponse
from orchestrator.lab.ec2.templates import actions as template_actions
from orchestrator.lab.elb.balancer import Balancer
from orchestrator.lab.elb.desk import TargetDesk
from orchestrator.lab.elb.installing import install as install_elb
from orchestrator.lab.elb.targets import TargetStates
from orchestrator.lab.own_actions import add_actions
from orchestrator.lab.ssm.parameters import actions as parameter_actions
from orchestrator.lab.ssm.parameters.actions.put_parameter import pending

if TYPE_CHECKING:
    from orchestrator.lab.assembly import Assembly

#: How often what waits is looked at, seconds.
_OFTEN = 0.2


def install(lab: Assembly) -> None:
    """Answer the actions of launch templates, parameters, Auto Scaling and Elastic Load Balancing."""
    add_actions(LabResponse, template_actions, lab.tables)
    add_actions(SimpleSystemManagerResponse, parameter_actions, lab.tables)
    lab.every(_OFTEN, pending(lab.tables).write)
    states = TargetStates(lab.tables)
    install_elb(Balancer(lab.settings, lab.tables, states))
    lab.every(_OFTEN, states)
    desk = TargetDesk(states)
    install_autoscaling(lab.tables, desk)
    lab.every(_OFTEN, GroupRounds(lab.tables, desk, lab.faults))
