"""EC2's ResetSnapshotAttribute: a snapshot is shared with nobody any more (EC2 API Reference)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.ec2.images.owned_snapshot import owned_snapshot

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked


def answer(asked: Asked) -> dict[str, Any]:
    """Take all permissions away. Raises AwsFault."""
    attribute = asked.parameters["Attribute"]
    if attribute != "createVolumePermission":
        raise AwsFault("InvalidParameterValue", f"Value ({attribute}) for parameter attribute is invalid.")
    snapshot = owned_snapshot(asked)
    snapshot.create_volume_permission_userids = set()
    snapshot.create_volume_permission_groups = set()
    return {}
