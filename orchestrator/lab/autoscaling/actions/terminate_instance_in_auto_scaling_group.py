"""Auto Scaling's TerminateInstanceInAutoScalingGroup (Auto Scaling API Reference)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.autoscaling.models import autoscaling_backends

from orchestrator.lab.api.aws_fault import AwsFault

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked


def answer(asked: Asked) -> dict[str, Any]:
    """Terminate an instance of a group, which is replaced unless the capacity shrinks by it."""
    backend: Any = autoscaling_backends[asked.account][asked.region]
    group, member = backend.member(asked.parameters["InstanceId"])
    if asked.parameters.get("ShouldDecrementDesiredCapacity"):
        if int(group.desired_capacity) <= int(group.min_size):
            what = "Currently, desiredSize equals minSize. Terminating instance without replacement will violate "
            raise AwsFault("ValidationError", f"{what}group's min size constraint.")
        group.desired_capacity -= 1
    activity = group.end(member, "instance {id} was taken out of service in response to a user request.")
    return {"Activity": activity.shown()}
