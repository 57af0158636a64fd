"""Instances, snapshots and AMIs of the lab: moto's, with states that follow machines and disks that exist."""

from __future__ import annotations

import copy
import time
from typing import TYPE_CHECKING, Any

from moto.core.utils import utcnow
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import amis, elastic_block_store, instances

from orchestrator.lab.api.events import AwsEvent

if TYPE_CHECKING:
    from orchestrator.lab.tables import Tables

#: EC2's instance states and their codes (API reference, "InstanceState").
STATES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}

#: The detail type of their events (EC2 User Guide, "State change events for your instances").
STATE_CHANGE = "EC2 Instance State-change Notification"

#: The size of Debian's own root volume on EC2, GiB.
ROOT_SIZE = 8
ROOT_DEVICE = "/dev/xvda"


class LabSnapshot(elastic_block_store.Snapshot):
    """A snapshot that may hold a disk: the name of a podman image."""

    disk = ""

    @property
    def progress(self) -> str:
        """As EC2 tells it; a disk that is being saved is half done."""
        return "100%" if self.status == "completed" else "50%"


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

    @property
    def disk(self) -> str:
        """The podman image that machines boot from."""
        return str(self.ebs_snapshot.disk)

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
    def snapshots(self) -> list[Any]:
        """Those of the root and of all further volumes."""
        found = self.ec2_backend.snapshots
        return [self.ebs_snapshot, *(found[each["Ebs"]["SnapshotId"]] for each in self.extra)]

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


class LabInstance(instances.Instance):
    """An instance that is pending, stopping or shutting down until its machine has followed."""

    tables: Tables

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.reboots = 0
        self.container_expected = True
        self.profiled = False
        self.made = False
        self.dies: float | None = None
        self._told = ""
        super().__init__(*args, **kwargs)
        image = self.ec2_backend.amis.get(self.image_id)
        self.disk: str = image.disk if image else ""
        self.volumes: dict[str, str] = {}
        """The volumes besides the root that its machine has, with the device of each."""
        self.report("pending")

    @property
    def target_state(self) -> str:
        """The state that the machine shall reach: running, stopped or terminated."""
        name = self._state.name
        return {"pending": "running", "stopping": "stopped", "shutting-down": "terminated"}.get(name, name)

    def report(self, state: str) -> None:
        """Show a state in every answer from now on, and tell of it when it is new."""
        self._state = instances.InstanceState(state, STATES[state])
        if state == self._told:
            return
        self._told = state
        account, region = self.ec2_backend.account_id, self.region_name
        arn = f"arn:aws:ec2:{region}:{account}:instance/{self.id}"
        detail = {"instance-id": self.id, "state": state}
        self.tables.events.tell(AwsEvent("aws.ec2", STATE_CHANGE, account, region, detail, (arn,)))

    def fail_after(self, seconds: float | None) -> None:
        """The machine dies after so many seconds, as when its host is lost; None: it does not."""
        self.dies = None if seconds is None else time.monotonic() + seconds

    @property
    def lost(self) -> bool:
        """Whether the time of its machine has come."""
        return self.dies is not None and time.monotonic() >= self.dies

    def prep_nics(self, *args: Any, **kwargs: Any) -> None:
        """The primary interface has the machine's address on the lab's network, whatever the subnet's range is."""
        address = self.tables.free_address()
        if address is None:
            what = "There are not enough free addresses in the lab's network"
            raise EC2ClientError("InsufficientFreeAddressesInSubnet", what)
        super().prep_nics(*args, **kwargs)
        primary = self.nics[0]
        primary.private_ip_address = address
        primary.private_ip_addresses = [{"Primary": True, "PrivateIpAddress": address}]

    def start(self) -> instances.InstanceState:
        """Begin to start; a running instance stays as it is."""
        if self._state.name in ("running", "pending"):
            return copy.copy(self._state)
        self._require("start", "stopped")
        previous = super().start()
        self.launch_time = utcnow()
        self.fail_after(None)
        self._begin("pending")
        return previous

    def stop(self) -> instances.InstanceState:
        """Begin to stop; a stopped instance stays as it is."""
        if self._state.name in ("stopped", "stopping"):
            return copy.copy(self._state)
        self._require("stop", "running", "pending")
        previous = super().stop()
        self._begin("stopping")
        return previous

    def terminate(self) -> instances.InstanceState:
        """Begin to shut down for good."""
        if self._state.name in ("terminated", "shutting-down"):
            return copy.copy(self._state)
        previous = super().terminate()
        self._begin("shutting-down")
        return previous

    def reboot(self) -> None:
        """Ask for a reboot; the state stays running meanwhile."""
        self._require("reboot", "running")
        self.reboots += 1
        self.tables.wake()

    def _begin(self, state: str) -> None:
        self.report(state)
        self.tables.wake()

    def _require(self, verb: str, *states: str) -> None:
        if self._state.name not in states:
            what = f"This instance '{self.id}' is not in a state from which it can be {verb}ed."
            raise EC2ClientError("IncorrectInstanceState", what)
