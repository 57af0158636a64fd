"""Auto Scaling's CancelInstanceRefresh (Auto Scaling API Reference)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from orchestrator.lab.autoscaling.naming import active_refresh
from orchestrator.lab.autoscaling.refresh.deciding import RefreshStatus

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked


def answer(asked: Asked) -> dict[str, Any]:
    """Cancel a refresh or a rollback; what was replaced stays. It waits for what is on its way, unless told not to."""
    refresh = active_refresh(asked)
    reason = "Cancelled due to user request."
    if asked.parameters.get("WaitForTransitioningInstances", True):
        refresh.progress = replace(refresh.progress, status=RefreshStatus.CANCELLING, reason=reason)
    else:
        refresh.progress = replace(refresh.progress, status=RefreshStatus.CANCELLED, reason=reason)
        refresh.ended = datetime.now(UTC)
    return {"InstanceRefreshId": refresh.refresh_id}
