"""Auto Scaling's DescribeAutoScalingGroups, with its filters and in pages (Auto Scaling API Reference)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.lab.autoscaling.naming import paged

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked


def answer(asked: Asked) -> dict[str, Any]:
    """One page of groups. Raises AwsFault for a token that was never given, and for more than 100 records."""
    tables, names = asked.response.autoscaling_backend, asked.parameters.get("AutoScalingGroupNames", [])
    groups = tables.describe_auto_scaling_groups(names, filters=asked.parameters.get("Filters", []))
    shown, token = paged(groups, asked.parameters, 50)
    return {"AutoScalingGroups": shown, "NextToken": token}
