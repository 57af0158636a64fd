"""The lab's AMIs and snapshots: moto's, with the disk that they hold and all that EC2 keeps of them besides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from moto.core.utils import utcnow
from moto.ec2.models import amis, elastic_block_store

#: The size of Debian's own root volume on EC2, GiB.
ROOT_SIZE = 8
ROOT_DEVICE = "/dev/xvda"

#: How long an AMI cannot be deregistered after the end of its protection (EC2 User Guide, "Protect an Amazon EC2 AMI
#: from deregistration").
COOLDOWN = timedelta(hours=24)


class LabSnapshot(elastic_block_store.Snapshot):
    """A snapshot that may hold a disk: the name of a podman image."""

    disk = ""

    @property
    def progress(self) -> str:
        """As EC2 tells it; a disk that is being saved is half done."""
        return "100%" if self.status == "completed" else "50%"


@dataclass(frozen=True)
class StateReason:
    """Why an AMI has failed (EC2 API Reference, "StateReason")."""

    code: str
    message: str

    def as_answer(self) -> dict[str, str]:
        """As EC2 writes it."""
        return {"Code": self.code, "Message": self.message}


@dataclass(frozen=True)
class Protection:
    """Whether an AMI can be deregistered, in EC2's words (AWS CLI examples of EnableImageDeregistrationProtection)."""

    value: str = "disabled"
    ends: datetime | None = None
    """When the cool-down is over, of one that was disabled."""

    def enabled(self, *, cooldown: bool) -> Protection:
        """After it was enabled."""
        return Protection("enabled-with-cooldown" if cooldown else "enabled-without-cooldown")

    def disabled(self, now: datetime) -> Protection:
        """After it was disabled: with a cool-down, it goes on for 24 hours."""
        if self.value == "enabled-with-cooldown":
            return Protection("disabled", now + COOLDOWN)
        return self if self.value == "disabled" else Protection()

    def holds(self, now: datetime) -> bool:
        """Whether it keeps the AMI now."""
        return self.value != "disabled" or (self.ends is not None and now < self.ends)


@dataclass(frozen=True)
class Watermark:
    """What marks an AMI and all that is made of it (EC2 API Reference, "ImageWatermark")."""

    key: str
    """`account:name`."""
    region: str
    image_id: str
    image_created: datetime
    created: datetime

    def as_answer(self) -> dict[str, Any]:
        """As EC2 writes it."""
        return {
            "WatermarkKey": self.key,
            "SourceImageRegion": self.region,
            "SourceImageId": self.image_id,
            "SourceImageCreationTime": self.image_created,
            "WatermarkCreationTime": self.created,
        }


class LabAmi(amis.Ami):
    """An AMI whose root device is the snapshot of a real disk."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("root_device_type", "ebs")
        kwargs.setdefault("root_device_name", ROOT_DEVICE)
        kwargs.setdefault("virtualization_type", "hvm")
        kwargs.setdefault("architecture", "x86_64")
        kwargs.setdefault("hypervisor", "xen")
        super().__init__(*args, **kwargs)
        self.ebs_snapshot.volume.size = ROOT_SIZE
        self.source_image_id: str | None = None
        """The AMI that it was made of; None for one that was made of a snapshot, or by somebody else."""
        self.source_image_region: str | None = None
        self.extra: list[dict[str, Any]] = []
        """The mappings of the volumes besides the root."""
        self.root_options: dict[str, Any] = {"VolumeType": "gp3", "Encrypted": False}
        self.reason: StateReason | None = None
        self.deprecated_at: datetime | None = None
        self.protection = Protection()
        self.launched: list[datetime] = []
        """When instances were launched from it, newest last."""
        self.watermarks: tuple[Watermark, ...] = ()
        self.imds: str | None = None

    @property
    def disk(self) -> str:
        """The podman image that machines boot from."""
        return str(self.ebs_snapshot.disk)

    @property
    def region(self) -> str:
        """Where it is."""
        return str(self.ec2_backend.region_name)

    @property
    def block_device_mappings(self) -> list[dict[str, Any]]:
        """The root device and further volumes; snapshot ids are missing until the image is available, as on AWS."""
        ebs = {"VolumeSize": self.ebs_snapshot.volume_size, "DeleteOnTermination": True, **self.root_options}
        root = {"DeviceName": self.root_device_name, "Ebs": {**ebs, "SnapshotId": self.ebs_snapshot.id}}
        hidden = {"SnapshotId"} if self.state == "pending" else set()
        return [
            {**each, "Ebs": {key: value for key, value in each["Ebs"].items() if key not in hidden}}
            for each in (root, *self.extra)
        ]

    @property
    def snapshots(self) -> list[LabSnapshot]:
        """Those of the root and of all further volumes."""
        found = self.ec2_backend.snapshots
        return [self.ebs_snapshot, *(found[each["Ebs"]["SnapshotId"]] for each in self.extra)]

    @property
    def keys(self) -> set[str]:
        """The ARNs of the keys that its snapshots are encrypted by."""
        mappings = (self.root_options, *(each["Ebs"] for each in self.extra))
        return {str(ebs["KmsKeyId"]) for ebs in mappings if ebs.get("Encrypted") and ebs.get("KmsKeyId")}

    def deprecated(self, now: datetime) -> bool:
        """Whether its date has come."""
        return self.deprecated_at is not None and self.deprecated_at <= now

    def root_like(self, volume: Any, options: dict[str, Any] | None = None) -> None:
        """Have a root device of the size of a volume; of its type, unless there are `options`."""
        self.ebs_snapshot.volume.size = volume.size
        self.root_options = dict(options or {}) or {
            "VolumeType": volume.volume_type,
            "Encrypted": volume.encrypted,
            **({"Iops": volume.iops} if volume.iops else {}),
            **({"Throughput": volume.throughput} if volume.throughput else {}),
            **({"KmsKeyId": volume.kms_key_id} if volume.kms_key_id else {}),
        }
        self._mark()

    def encrypt(self, key: str) -> None:
        """Have every snapshot encrypted by a key."""
        for ebs in (self.root_options, *(each["Ebs"] for each in self.extra)):
            ebs |= {"Encrypted": True, "KmsKeyId": key}
        self._mark()

    def _mark(self) -> None:
        for snapshot, ebs in zip(
            self.snapshots, (self.root_options, *(each["Ebs"] for each in self.extra)), strict=True
        ):
            snapshot.encrypted, snapshot.kms_key_id = bool(ebs.get("Encrypted")), ebs.get("KmsKeyId")

    def note_launch(self) -> None:
        """An instance was launched from it now."""
        self.launched.append(utcnow())
