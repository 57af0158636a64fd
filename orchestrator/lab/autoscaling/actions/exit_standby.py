"""Auto Scaling's ExitStandby (Auto Scaling API Reference)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.lab.autoscaling.activities import ScalingActivity, at
from orchestrator.lab.autoscaling.capacity import Lifecycle
from orchestrator.lab.autoscaling.naming import group_of, members_of

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked


def answer(asked: Asked) -> dict[str, Any]:
    """Bring instances back into service, and the desired capacity up by them."""
    group, members, done = group_of(asked), members_of(asked), []
    group.desired_capacity = int(group.desired_capacity or 0) + len(members)
    for member in members:
        member.lifecycle_state, member.since = Lifecycle.PENDING.value, None
        cause = f"At {at()} instance {member.instance_id} was moved out of standby in response to a user request."
        activity = ScalingActivity(group.name, f"Moving EC2 instance out of Standby: {member.instance_id}", cause)
        activity.status, activity.progress, member.activity = "PreInService", 30, activity
        group.activities.insert(0, activity)
        done.append(activity)
    return {"Activities": [each.shown() for each in done]}
