"""Auto Scaling's EnterStandby (Auto Scaling API Reference)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.autoscaling.activities import ScalingActivity, at
from orchestrator.lab.autoscaling.capacity import Lifecycle
from orchestrator.lab.autoscaling.naming import group_of, members_of

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked


def answer(asked: Asked) -> dict[str, Any]:
    """Take instances out of service; they are replaced unless the capacity shrinks by them."""
    group, members = group_of(asked), members_of(asked)
    if asked.parameters["ShouldDecrementDesiredCapacity"]:
        if int(group.desired_capacity or 0) - len(members) < int(group.min_size or 0):
            raise AwsFault("ValidationError", "The desired capacity would be less than the minimum size of the group.")
        group.desired_capacity = int(group.desired_capacity or 0) - len(members)
    done = []
    for member in members:
        member.lifecycle_state = Lifecycle.STANDBY.value
        group.desk.deregister(group, member)
        cause = f"At {at()} instance {member.instance_id} was moved to standby in response to a user request."
        activity = ScalingActivity(group.name, f"Moving EC2 instance to Standby: {member.instance_id}", cause)
        activity.end("Successful")
        group.activities.insert(0, activity)
        done.append(activity)
    return {"Activities": [each.shown() for each in done]}
