"""The snapshot that a call wants to change, when it may, and with whom it may be shared."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from moto.ec2.exceptions import InvalidSnapshotIdError

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.kms.keys import key_named, managed_by_aws

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked
    from orchestrator.lab.ec2.ami import LabSnapshot


def owned_snapshot(asked: Asked) -> LabSnapshot:
    """The snapshot that the call names. Raises AwsFault for one of somebody else, moto's error for one unknown."""
    snapshot_id, tables = str(asked.parameters["SnapshotId"]), asked.ec2()
    snapshot = tables.snapshots.get(snapshot_id)
    if snapshot is None:
        if any(each.id == snapshot_id for each in tables.visible_snapshots()):
            raise AwsFault("AuthFailure", f"You do not own snapshot {snapshot_id}", 403)
        raise InvalidSnapshotIdError
    return cast("LabSnapshot", snapshot)


def check_share(snapshot: LabSnapshot, *, public: bool) -> None:
    """Raise AwsFault when its encryption forbids a share (EC2 API Reference, "ModifySnapshotAttribute")."""
    if not snapshot.encrypted:
        return
    if public:
        raise AwsFault("OperationNotPermitted", "Encrypted snapshots cannot be shared publicly")
    arn = str(snapshot.kms_key_id)
    key = key_named(arn, snapshot.owner_id, snapshot.ec2_backend.region_name)
    if ":alias/aws/" in arn or (key is not None and managed_by_aws(key)):
        raise AwsFault("OperationNotPermitted", "Encrypted snapshots with EBS default key cannot be shared")
