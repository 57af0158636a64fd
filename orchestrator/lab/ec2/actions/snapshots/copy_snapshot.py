"""EC2's CopySnapshot: a snapshot of any region that the account may read (EC2 API Reference, "CopySnapshot")."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from moto.core.utils import utcnow
from moto.ec2.utils import random_snapshot_id

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.api.recent_ids import IdKind
from orchestrator.lab.ec2.actions.images.copy_image import tags_by_kind
from orchestrator.lab.ec2.ami import LabSnapshot
from orchestrator.lab.ec2.images.copying import fate
from orchestrator.lab.ec2.images.encryption import CopyEncryption, outcome

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked

_ELSEWHERE = ("DestinationOutpostArn", "DestinationAvailabilityZone")


def answer(asked: Asked) -> dict[str, Any]:
    """Copy a snapshot. With a key that cannot be used the copy ends in `error`. Raises AwsFault."""
    given, tables = asked.parameters, asked.ec2()
    for name in _ELSEWHERE:
        if given.get(name):
            raise AwsFault("UnsupportedOperation", f"The lab has no Outposts and no Local Zones: {name}")
    source = asked.ec2(str(given["SourceRegion"])).readable_snapshot(str(given["SourceSnapshotId"]))
    wanted = CopyEncryption(given.get("Encrypted"), given.get("KmsKeyId") or "")
    result = outcome(wanted, [source], asked.account, asked.region, tables.encryption_by_default)
    tags = dict(tags_by_kind(given.get("TagSpecifications", []), ("snapshot",)).get("snapshot", ()))
    snapshot = LabSnapshot(
        tables, random_snapshot_id(), volume=copy.copy(source.volume), description=given.get("Description") or ""
    )
    tables.snapshots[snapshot.id] = snapshot
    tables._note(IdKind.SNAPSHOT, snapshot.id)  # noqa: SLF001 - it is new
    snapshot.start_time, snapshot.disk = utcnow(), source.disk
    tables.disks.copy_volume(source.id, snapshot.id)
    snapshot.encrypted, snapshot.kms_key_id = bool(result.key), result.key or None
    seconds, failure = fate(tables, [snapshot])
    tables.disks.hold_back(None, snapshot, seconds, result.failure or failure)
    snapshot.add_tags(tags)
    return {"SnapshotId": snapshot.id, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
