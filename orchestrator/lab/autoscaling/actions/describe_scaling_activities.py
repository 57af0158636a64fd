"""Auto Scaling's DescribeScalingActivities (Auto Scaling API Reference)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.autoscaling.models import autoscaling_backends

from orchestrator.lab.autoscaling.naming import group_of, paged

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked


def answer(asked: Asked) -> dict[str, Any]:
    """The activities of a group or of all, those in progress first, then the newest first."""
    if asked.parameters.get("AutoScalingGroupName"):
        groups: list[Any] = [group_of(asked)]
    else:
        groups = list(autoscaling_backends[asked.account][asked.region].autoscaling_groups.values())
    wanted = asked.parameters.get("ActivityIds") or []
    found = [each for group in groups for each in group.activities if not wanted or each.activity_id in wanted]
    found.sort(key=lambda each: (each.end_time is None, each.start_time), reverse=True)
    shown, token = paged(found, asked.parameters, usual=100)
    return {"Activities": [each.shown() for each in shown], "NextToken": token}
