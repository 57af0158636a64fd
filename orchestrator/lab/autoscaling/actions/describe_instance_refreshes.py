"""Auto Scaling's DescribeInstanceRefreshes (Auto Scaling API Reference)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.lab.autoscaling.naming import group_of, paged
from orchestrator.lab.autoscaling.telling import shown_refresh

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked


def answer(asked: Asked) -> dict[str, Any]:
    """The refreshes of a group, the newest first."""
    group, wanted = group_of(asked), asked.parameters.get("InstanceRefreshIds") or []
    found = [each for each in group.refreshes if not wanted or each.refresh_id in wanted]
    shown, token = paged(found, asked.parameters, usual=50)
    return {"InstanceRefreshes": [shown_refresh(group, each) for each in shown], "NextToken": token}
