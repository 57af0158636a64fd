"""Auto Scaling's DeleteAutoScalingGroup (Auto Scaling API Reference)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.autoscaling.naming import group_of

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked


def answer(asked: Asked) -> dict[str, Any]:
    """Delete a group that has no instances; with ForceDelete the group goes once its instances have gone."""
    group = group_of(asked)
    if group.members and not asked.parameters.get("ForceDelete"):
        what = "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) "
        raise AwsFault("ResourceInUse", f"{what}still in the group.")
    group.deleted = True
    group.min_size = group.desired_capacity = 0
    for member in group.members:
        member.protected_from_scale_in = False
    if not group.members:
        group.autoscaling_backend.autoscaling_groups.pop(group.name, None)
    return {}
