"""EC2's DescribeSnapshotAttribute: with whom a snapshot is shared (EC2 API Reference, "DescribeSnapshotAttribute")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.lab.ec2.images.owned_snapshot import owned_snapshot

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked


def answer(asked: Asked) -> dict[str, Any]:
    """Its permissions, or its product codes, of which it has none. Raises AwsFault as `owned_snapshot` does."""
    snapshot = owned_snapshot(asked)
    if asked.parameters.get("Attribute") == "productCodes":
        return {"SnapshotId": snapshot.id, "ProductCodes": []}
    users = [{"UserId": each} for each in sorted(snapshot.create_volume_permission_userids)]
    groups = [{"Group": each} for each in sorted(snapshot.create_volume_permission_groups)]
    return {"SnapshotId": snapshot.id, "CreateVolumePermissions": groups + users}
