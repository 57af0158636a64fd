"""Puts the lab's Auto Scaling in the place of moto's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moto.autoscaling import models, urls
from moto.autoscaling.models import autoscaling_backends

from orchestrator.lab.autoscaling import actions
from orchestrator.lab.autoscaling.answers import LabAutoScalingResponse
from orchestrator.lab.autoscaling.group import LabAutoScaling, LabGroup, LabMember
from orchestrator.lab.own_actions import add_actions

if TYPE_CHECKING:
    from orchestrator.lab.elb.desk import TargetDesk
    from orchestrator.lab.tables import Tables


def install(tables: Tables, desk: TargetDesk) -> None:
    """To be called before moto makes its first backend of Auto Scaling."""
    LabGroup.desk = desk
    models.FakeAutoScalingGroup = LabGroup  # type: ignore[misc]
    models.InstanceState = LabMember  # type: ignore[misc]
    autoscaling_backends.backend = LabAutoScaling
    add_actions(LabAutoScalingResponse, actions, tables)
    urls.url_paths = {"{0}/$": LabAutoScalingResponse.dispatch}
