"""CopyImage: an AMI of any region and any account that shares it, with its disks (EC2 User Guide, "Copy an AMI")."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from moto.ec2.utils import random_ami_id

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.ec2.ami import LabAmi, StateReason
from orchestrator.lab.ec2.images.encryption import CopyEncryption, outcome
from orchestrator.lab.ec2.images.sharing import readable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from orchestrator.lab.ec2.ami import LabSnapshot
    from orchestrator.lab.ec2.images.imaging import ImagingBackend

#: How many snapshot copies may run at a time into one region (EBS quotas, "Concurrent snapshot copies per destination
#: Region").
MOST_COPIES = 20
#: Tags with this prefix are visible to whom the AMI is shared with (EC2 API Reference, "CopyImage", CopyImageTags).
SHARED_TAG = "ec2:SharedTag/"


@dataclass(frozen=True)
class CopyRequest:
    """What CopyImage was asked for."""

    source_id: str
    source_region: str
    name: str
    description: str | None = None
    encryption: CopyEncryption = field(default_factory=CopyEncryption)
    copies_tags: bool = False
    image_tags: tuple[tuple[str, str], ...] = ()
    snapshot_tags: tuple[tuple[str, str], ...] = ()


def copy_image(tables: ImagingBackend, request: CopyRequest, token: str = "") -> LabAmi:
    """Copy an AMI into a region; the same token and the same request give the same AMI again. Raises AwsFault."""
    known = tables.copies.get(token) if token else None
    if known is not None:
        asked, image_id = known
        if asked != request:
            what = "The client token has already been used with different parameters"
            raise AwsFault("IdempotentParameterMismatch", what)
        return tables.amis.get(image_id) or tables.gone(image_id)
    source = tables.source(request.source_id, request.source_region)
    _check(tables, source)
    result = outcome(
        request.encryption, source.snapshots, tables.account_id, tables.region_name, tables.encryption_by_default
    )
    image = _made(tables, source, request)
    if result.key:
        image.encrypt(result.key)
    seconds, failure = fate(tables, image.snapshots)
    tables.disks.hold_back(image, image.ebs_snapshot, seconds, result.failure or failure)
    if token:
        tables.copies[token] = (request, image.id)
    return image


def fate(tables: ImagingBackend, snapshots: Iterable[LabSnapshot]) -> tuple[float, StateReason | None]:
    """For how many seconds a copy that begins now is pending, and why it fails then, by the faults in force."""
    trouble, gib = tables.tables.trouble, sum(snapshot.volume_size for snapshot in snapshots)
    seconds = math.inf if trouble.copy_hangs() else trouble.slower() + tables.tables.times.of_copy(gib)
    failure = StateReason("Server.InternalError", "Internal error on creation") if trouble.copy_fails() else None
    return seconds, failure


def _check(tables: ImagingBackend, source: LabAmi) -> None:
    if source.state != "available":
        raise AwsFault("InvalidAMIID.Unavailable", f"The image ID '{source.id}' is not available")
    if not all(readable(snapshot, tables.account_id) for snapshot in source.snapshots):
        raise AwsFault("InvalidRequest", "You do not have permission to access the storage of this ami")
    running = sum(
        snapshot.status == "pending" and snapshot.description.startswith("Copied for")
        for snapshot in tables.snapshots.values()
    )
    if running + len(source.snapshots) > MOST_COPIES:
        what = f"Too many snapshot copies in progress. The limit is {MOST_COPIES} in this destination region."
        raise AwsFault("ResourceLimitExceeded", what)


def _made(tables: ImagingBackend, source: LabAmi, request: CopyRequest) -> LabAmi:
    image = LabAmi(
        tables,
        random_ami_id(),
        source_ami=source,
        name=request.name,
        description=request.description,
        region_name=f"{tables.region_name}a",
    )
    tables.amis[image.id] = image
    image.root_device_name, image.boot_mode = source.root_device_name, source.boot_mode
    image.source_image_id, image.source_image_region = source.id, source.region
    image.ebs_snapshot.disk = source.disk
    image.imds = source.imds
    image.watermarks = source.watermarks
    image.root_like(source.ebs_snapshot.volume, source.root_options)
    image.extra = [_copied(tables, image, each) for each in source.extra]
    copied = f"SourceAmi {source.id} for SourceSnapshot {source.ebs_snapshot.id}"
    image.ebs_snapshot.description = f"Copied for DestinationAmi {image.id} from {copied}."
    image.add_tags((_tags(tables, source) if request.copies_tags else {}) | dict(request.image_tags))
    for snapshot in image.snapshots:
        snapshot.add_tags(dict(request.snapshot_tags))
    tables.note_image(image)
    return image


def _tags(tables: ImagingBackend, source: LabAmi) -> dict[str, str]:
    """The tags that a copy takes over: the caller's own, and of others those that are shared."""
    return {
        key: value
        for key, value in source.ec2_backend.tags.get(source.id, {}).items()
        if not key.startswith("aws:") and (source.owner_id == tables.account_id or key.startswith(SHARED_TAG))
    }


def _copied(tables: ImagingBackend, image: LabAmi, mapping: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping of another image, with a copy of its snapshot."""
    ebs = mapping["Ebs"]
    volume = tables.create_volume(size=ebs["VolumeSize"], zone_name=f"{tables.region_name}a")
    snapshot = tables.create_snapshot(volume.id, "", image.owner_id, from_ami=image.id)
    tables.delete_volume(volume.id)
    tables.disks.copy_volume(ebs["SnapshotId"], snapshot.id)
    snapshot.description = f"Copied for DestinationAmi {image.id} from SourceSnapshot {ebs['SnapshotId']}."
    return {**mapping, "Ebs": {**ebs, "SnapshotId": snapshot.id}}
