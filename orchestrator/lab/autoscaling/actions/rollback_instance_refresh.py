"""Auto Scaling's RollbackInstanceRefresh (Auto Scaling API Reference)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.autoscaling.naming import active_refresh, group_of
from orchestrator.lab.autoscaling.refresh.deciding import RefreshStatus, Scene, rolled_back
from orchestrator.lab.autoscaling.telling import tell_refresh

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked


def answer(asked: Asked) -> dict[str, Any]:
    """Roll a refresh back that is going on. Raises AwsFault when it cannot be."""
    group, refresh = group_of(asked), active_refresh(asked)
    if refresh.progress.status is RefreshStatus.ROLLBACK_IN_PROGRESS:
        return {"InstanceRefreshId": refresh.refresh_id}
    if not refresh.able:
        what = "The instance refresh cannot be rolled back: it has no desired configuration, or a launch template that "
        what += "uses $Latest, $Default or a Systems Manager parameter."
        raise AwsFault("IrreversibleInstanceRefresh", what)
    before = refresh.progress
    scene = Scene(group.view(0.0, with_targets=False), int(group.desired_capacity or 0), time.monotonic())
    refresh.progress = rolled_back(before, scene, "Rolled back due to user request.")
    tell_refresh(asked.tables, group, refresh, before)
    return {"InstanceRefreshId": refresh.refresh_id}
