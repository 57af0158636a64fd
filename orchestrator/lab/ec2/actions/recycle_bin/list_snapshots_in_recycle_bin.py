"""EC2's ListSnapshotsInRecycleBin (EC2 API Reference; EBS User Guide, "Recycle Bin")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.lab.ec2.listing import part

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked


def answer(asked: Asked) -> dict[str, Any]:
    """One page of the snapshots in the bin, of those that are named when any is."""
    ids = asked.parameters.get("SnapshotIds", [])
    binned = [each for key, each in asked.ec2().bin.snapshots.items() if not ids or key in ids]
    shown, more = part(binned, asked.parameters)
    return {
        "Snapshots": [
            {
                "SnapshotId": each.resource.id,
                "Description": each.resource.description,
                "VolumeId": each.resource.volume_id,
                "RecycleBinEnterTime": each.entered,
                "RecycleBinExitTime": each.exits,
            }
            for each in shown
        ],
        **more,
    }
