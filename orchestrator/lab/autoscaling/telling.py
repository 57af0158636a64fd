"""Instance refreshes as the API writes them, and what happens when they begin, end or reach a checkpoint."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from orchestrator.lab.api.events import AwsEvent
from orchestrator.lab.autoscaling.refresh.deciding import RefreshStatus

if TYPE_CHECKING:
    from orchestrator.lab.autoscaling.group import LabGroup, Refresh
    from orchestrator.lab.autoscaling.refresh.deciding import Progress
    from orchestrator.lab.tables import Tables

#: The detail types of EventBridge (Auto Scaling User Guide, "Auto Scaling event reference").
_KINDS = {
    RefreshStatus.IN_PROGRESS: "EC2 Auto Scaling Instance Refresh Started",
    RefreshStatus.SUCCESSFUL: "EC2 Auto Scaling Instance Refresh Succeeded",
    RefreshStatus.FAILED: "EC2 Auto Scaling Instance Refresh Failed",
    RefreshStatus.CANCELLED: "EC2 Auto Scaling Instance Refresh Cancelled",
    RefreshStatus.ROLLBACK_IN_PROGRESS: "EC2 Auto Scaling Instance Refresh Auto Rollback Started",
    RefreshStatus.ROLLBACK_SUCCESSFUL: "EC2 Auto Scaling Instance Refresh Auto Rollback Succeeded",
    RefreshStatus.ROLLBACK_FAILED: "EC2 Auto Scaling Instance Refresh Auto Rollback Failed",
}


def tell_refresh(tables: Tables, group: LabGroup, refresh: Refresh, before: Progress) -> None:
    """Tell what has changed since `before`; write the desired configuration to the group once the refresh succeeded."""
    after = refresh.progress
    if after.status is not before.status:
        if after.status is RefreshStatus.ROLLBACK_IN_PROGRESS:
            refresh.rollback_started, refresh.rollback_left = datetime.now(UTC), before.to_update
        if not after.status.active:
            refresh.ended = datetime.now(UTC)
        if after.status is RefreshStatus.SUCCESSFUL and refresh.configuration:
            group._set_launch_configuration("", refresh.configuration["LaunchTemplate"], None)  # noqa: SLF001 moto's
        kind = _KINDS.get(after.status)
        if kind is not None:
            _tell(tables, group, refresh, kind)
    if before.reached is None and after.reached is not None:
        _tell(tables, group, refresh, "EC2 Auto Scaling Instance Refresh Checkpoint Reached")


def _tell(tables: Tables, group: LabGroup, refresh: Refresh, kind: str) -> None:
    detail = {"InstanceRefreshId": refresh.refresh_id, "AutoScalingGroupName": group.name}
    tables.events.tell(AwsEvent("aws.autoscaling", kind, group.account_id, group.region, detail, (group.arn,)))


def shown_refresh(group: LabGroup, refresh: Refresh) -> dict[str, Any]:
    """A refresh as DescribeInstanceRefreshes writes it."""
    progress = refresh.progress
    told: dict[str, Any] = {
        "InstanceRefreshId": refresh.refresh_id,
        "AutoScalingGroupName": group.name,
        "Status": progress.status.value,
        "StartTime": refresh.started,
        "PercentageComplete": progress.percent,
        "InstancesToUpdate": progress.to_update,
        "Preferences": _preferences(refresh),
        "Strategy": "Rolling",
    }
    if progress.reason:
        told["StatusReason"] = progress.reason
    if refresh.ended is not None:
        told["EndTime"] = refresh.ended
    if refresh.configuration:
        told["DesiredConfiguration"] = refresh.configuration
    if progress.rolled_back_at is not None:
        told["RollbackDetails"] = {
            "RollbackReason": progress.rollback_reason,
            "RollbackStartTime": refresh.rollback_started,
            "PercentageCompleteOnRollback": progress.rolled_back_at,
            "InstancesToUpdateOnRollback": refresh.rollback_left,
        }
    return told


def _preferences(refresh: Refresh) -> dict[str, Any]:
    read = refresh.progress.preferences
    settled = {
        "MinHealthyPercentage": read.min_healthy,
        "InstanceWarmup": int(read.warmup),
        "SkipMatching": read.skip_matching,
        "AutoRollback": read.auto_rollback,
        "ScaleInProtectedInstances": read.protected,
        "StandbyInstances": read.standby,
    }
    if read.checkpoints:
        settled["CheckpointDelay"] = int(read.checkpoint_delay)
    return {**settled, **refresh.given}
