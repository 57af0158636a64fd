"""EC2's RestoreSnapshotFromRecycleBin: a deleted snapshot is there again (EC2 API Reference)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.ec2.exceptions import InvalidSnapshotIdError

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked


def answer(asked: Asked) -> dict[str, Any]:
    """Restore a snapshot. Raises what moto raises for one that is not in the bin."""
    tables, snapshot_id = asked.ec2(), str(asked.parameters["SnapshotId"])
    binned = tables.bin.snapshots.pop(snapshot_id, None)
    if binned is None:
        raise InvalidSnapshotIdError
    snapshot = binned.resource
    tables.snapshots[snapshot_id] = snapshot
    return {
        "SnapshotId": snapshot.id,
        "Description": snapshot.description,
        "Encrypted": snapshot.encrypted,
        "OwnerId": snapshot.owner_id,
        "Progress": snapshot.progress,
        "StartTime": snapshot.start_time,
        "State": snapshot.status,
        "VolumeId": snapshot.volume_id,
        "VolumeSize": snapshot.volume_size,
    }
