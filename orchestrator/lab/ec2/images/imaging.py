"""EC2's tables of AMIs and snapshots: what an account has, what it sees of others', and its Recycle Bin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from moto.ec2.exceptions import EC2ClientError, InvalidAMIIdError, InvalidSnapshotIdError, MissingParameterError

from orchestrator.lab.accounts.membership import reader
from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.ec2.consistency import EventualBackend
from orchestrator.lab.ec2.images.allowed import AllowedImages
from orchestrator.lab.ec2.images.recycle_bin import RecycleBin
from orchestrator.lab.ec2.images.sharing import launchable, readable
from orchestrator.lab.ec2.volumes import as_mapping, extra_volumes, omitted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Protocol

    from moto.ec2.models.elastic_block_store import Volume

    from orchestrator.lab.ec2.ami import LabAmi, LabSnapshot, StateReason
    from orchestrator.lab.ec2.images.usage import UsageReport
    from orchestrator.lab.ec2.instances import LabInstance

    class Keeper(Protocol):
        """What keeps disks. Both return at once, and set the states of snapshot and image when it is done."""

        def capture(
            self,
            instance: LabInstance,
            snapshot: LabSnapshot,
            *,
            image: LabAmi | None,
            reboot: bool,
            longer: float = 0.0,
            volumes: Mapping[str, str] | None = None,
        ) -> None:
            """Save a machine's disk into a snapshot; an image of it is pending for `longer` seconds more.

            `volumes` has the snapshot of each further volume.
            """

        def copy_volume(self, snapshot_id: str, other: str) -> None:
            """Copy the content of a volume's snapshot."""

        def hold_back(
            self, image: LabAmi | None, snapshot: LabSnapshot | None, seconds: float, failure: StateReason | None = None
        ) -> None:
            """An image, a snapshot, or both are pending for so many seconds, perhaps for ever; then they may fail."""


class ImagingBackend(EventualBackend):
    """The AMIs and snapshots of one account in one region."""

    disks: Keeper
    amis: dict[str, LabAmi]  # type: ignore[assignment]  # moto's, which makes ours
    snapshots: dict[str, LabSnapshot]  # type: ignore[assignment]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.bin = RecycleBin()
        self.copies: dict[str, tuple[object, str]] = {}
        """What each client token of CopyImage asked for, and the AMI that it has made."""
        self.deregistered: dict[str, LabAmi] = {}
        """AMIs that are gone: they stay ancestors of what was made of them."""
        self.allowed = AllowedImages()
        self.usage_reports: dict[str, UsageReport] = {}
        """By client token, or by their own id."""
        super().__init__(*args, **kwargs)

    # -- finding -----------------------------------------------------------------------------------------------

    def visible_images(self) -> Iterator[LabAmi]:
        """All AMIs of the region that the account may launch, its own first; of a public one, the first that is met."""
        yield from list(self.amis.values())
        who = reader(self.account_id)
        seen = set(self.amis)
        for others in self._neighbours():
            for image in list(others.amis.values()):
                if image.id not in seen and image.owner_id == others.account_id and launchable(image, who):
                    seen.add(image.id)
                    yield image

    def image(self, image_id: str) -> LabAmi | None:
        """An AMI that the account sees, by its id; None when there is none, or Allowed AMIs keeps it away."""
        image = self.amis.get(image_id)
        if image is None:
            who = reader(self.account_id)
            foreign = (each.amis.get(image_id) for each in self._neighbours())
            image = next((each for each in foreign if each is not None and launchable(each, who)), None)
        return image if image is not None and self.allowed.lets(image, self.account_id) else None

    def ancestor(self, image_id: str) -> LabAmi | None:
        """An AMI that others were made of, also when it is gone by now."""
        return self.image(image_id) or self.deregistered.get(image_id)

    def source(self, image_id: str, region: str) -> LabAmi:
        """An AMI of any region that the account sees. Raises what moto raises for one that it does not."""
        tables: ImagingBackend = self.tables.backend(region, self.account_id)
        image = tables.image(image_id)
        if image is None:
            raise InvalidAMIIdError(image_id)
        return image

    def readable_snapshot(self, snapshot_id: str) -> LabSnapshot:
        """A snapshot that the account may make volumes and copies of. Raises as moto does."""
        own = self.snapshots.get(snapshot_id)
        foreign = (each.snapshots.get(snapshot_id) for each in self._neighbours())
        found = own or next((each for each in foreign if each is not None and readable(each, self.account_id)), None)
        if found is None:
            raise InvalidSnapshotIdError
        return found

    def visible_snapshots(self) -> Iterator[LabSnapshot]:
        """The account's own snapshots, and those that are shared with it."""
        yield from list(self.snapshots.values())
        for others in self._neighbours():
            for each in list(others.snapshots.values()):
                # Every account's tables have the public AMIs: their snapshots are nobody's to list.
                if each.owner_id == others.account_id and readable(each, self.account_id):
                    yield each

    def _neighbours(self) -> Iterator[ImagingBackend]:
        for tables in self.tables.backends():
            if tables.region_name == self.region_name and tables.account_id != self.account_id:
                yield tables

    def gone(self, image_id: str) -> LabAmi:
        """Raise what EC2 says of an AMI that was deregistered."""
        raise InvalidAMIIdError(image_id)

    def describe_images(
        self,
        ami_ids: list[str] | None = None,
        filters: dict[str, Any] | None = None,
        exec_users: list[str] | None = None,
        owners: list[str] | None = None,
    ) -> list[Any]:
        """What launches and tags look up: by id, also of others. DescribeImages itself is an action of its own."""
        named = ami_ids or [str(each) for each in [(filters or {}).get("image-id")] if each]
        if not named or exec_users or owners:
            return super().describe_images(ami_ids, filters, exec_users, owners)
        found = [image for image in map(self.image, named) if image is not None]
        if ami_ids and not found and not set(ami_ids) & set(self.deleted_amis):
            raise InvalidAMIIdError(ami_ids)
        return self._seen(found)

    @property
    def encryption_by_default(self) -> tuple[bool, str]:
        """Whether EBS encrypts all that is made here, and the key that it uses unless a call names another."""
        return bool(self.ebs_encryption_by_default), str(self.default_kms_key_id)

    # -- making ------------------------------------------------------------------------------------------------

    def note_image(self, image: LabAmi) -> None:
        """An image and its snapshot are new."""
        self._image(image)

    def create_image(
        self,
        instance_id: str,
        name: str,
        description: str,
        tag_specifications: Any,
        mappings: Sequence[Mapping[str, Any]] = (),
        *,
        reboot: bool = True,
    ) -> LabAmi:
        """Save a machine's disks as an image, which is pending until that is done. `mappings` may leave disks out."""
        self._check_name(name)
        instance = cast("LabInstance", self.get_instance(instance_id))
        if instance.state not in ("running", "stopped", "stopping"):
            what = f"Instance '{instance_id}' is not in state 'running' or 'stopped'"
            raise EC2ClientError("IncorrectInstanceState", what)
        of_image = [entry for entry in tag_specifications if entry["ResourceType"] != "snapshot"]
        image = cast("LabAmi", super().create_image(instance_id, name, description, of_image))
        image.root_device_name = instance.root_device_name
        image.source_image_id, image.source_image_region = instance.image_id, self.region_name
        image.watermarks = instance.watermarks
        image.root_like(self._root_volume(instance))
        image.extra = self._saved_volumes(instance, image, omitted(mappings))
        for entry in tag_specifications:
            if entry["ResourceType"] == "snapshot":
                for snapshot in image.snapshots:
                    snapshot.add_tags({tag["Key"]: tag["Value"] for tag in entry["Tags"]})
        longer = self.tables.trouble.slower()
        saved = {each["Ebs"]["SnapshotId"]: each["DeviceName"] for each in image.extra}
        volumes = {
            volume.id: snapshot
            for snapshot, device in saved.items()
            for at, volume in extra_volumes(instance)
            if at == device
        }
        self.disks.capture(instance, image.ebs_snapshot, image=image, reboot=reboot, longer=longer, volumes=volumes)
        return image

    def _check_name(self, name: str) -> None:
        if any(image.name == name for image in self.amis.values() if image.owner_id == self.account_id):
            what = f"AMI name {name} is already in use by AMI in this account"
            raise EC2ClientError("InvalidAMIName.Duplicate", what)

    def _root_volume(self, instance: LabInstance) -> Volume:
        attached = dict(instance.get_block_device_mapping)[instance.root_device_name]
        return self.volumes[attached.volume_id]

    def _saved_volumes(self, instance: LabInstance, image: LabAmi, without: set[str]) -> list[dict[str, Any]]:
        """The mappings of an image for the volumes of its machine besides the root, each with a new snapshot."""
        kept: list[dict[str, Any]] = []
        attached = dict(instance.get_block_device_mapping)
        for device, volume in extra_volumes(instance):
            if device not in without:
                made = f"Created by CreateImage({instance.id}) for {image.id}"
                snapshot = super().create_snapshot(volume.id, made, image.owner_id, from_ami=image.id)
                kept.append(as_mapping(device, volume, snapshot, delete=attached[device].delete_on_termination))
        return kept

    def register_image(
        self,
        name: str | None = None,
        description: str | None = None,
        snapshot_id: str = "",
        root: str = "",
        architecture: str = "",
    ) -> LabAmi:
        """Make an image of a snapshot that exists."""
        if not snapshot_id:
            raise MissingParameterError("BlockDeviceMapping")
        self._check_name(name or "")
        snapshot = cast("LabSnapshot", self.get_snapshot(snapshot_id))
        image = cast("LabAmi", super().register_image(name, description))
        del self.snapshots[image.ebs_snapshot.id]
        image.ebs_snapshot = snapshot
        image.root_device_name = root or image.root_device_name
        image.architecture = architecture or image.architecture
        if snapshot.encrypted:
            image.encrypt(str(snapshot.kms_key_id))
        self.disks.hold_back(image, None, self.tables.trouble.slower())
        return image

    def create_snapshot(self, volume_id: str, *args: Any, **kwargs: Any) -> LabSnapshot:
        """A snapshot, encrypted as its volume is; of a machine's root volume it saves the disk as it is."""
        snapshot = cast("LabSnapshot", super().create_snapshot(volume_id, *args, **kwargs))
        if snapshot.encrypted:
            snapshot.kms_key_id = snapshot.volume.kms_key_id
        attachment = snapshot.volume.attachment
        instance = attachment.instance if attachment else None
        if instance is not None and attachment.device == instance.root_device_name:
            self.disks.capture(instance, snapshot, image=None, reboot=False)
        return snapshot

    def create_volume(self, *args: Any, **kwargs: Any) -> Volume:
        """A volume, of a snapshot that may be somebody else's."""
        snapshot_id = kwargs.get("snapshot_id")
        if not snapshot_id or snapshot_id in self.snapshots:
            return super().create_volume(*args, **kwargs)
        snapshot = self.readable_snapshot(snapshot_id)
        encrypted = bool(snapshot.encrypted or kwargs.get("encrypted"))
        key = kwargs.get("kms_key_id") or snapshot.kms_key_id if encrypted else None
        size = kwargs.get("size") or snapshot.volume_size
        given = kwargs | {"snapshot_id": None, "size": size, "encrypted": encrypted, "kms_key_id": key}
        volume = super().create_volume(*args, **given)
        volume.snapshot_id = snapshot_id
        return volume

    # -- removing ----------------------------------------------------------------------------------------------

    def deregister_image(self, ami_id: str) -> None:
        """The image goes, into the Recycle Bin when a rule keeps it; its snapshots stay, as on AWS."""
        image = self.amis.get(ami_id)
        super().deregister_image(ami_id)
        if image is not None:
            self.deregistered[ami_id] = image
        self.bin.take_image(image, self.tags.get(ami_id, {}))
        self.tables.wake()

    def holders(self, snapshot_id: str) -> list[LabAmi]:
        """The AMIs that a snapshot belongs to, those in the Recycle Bin too."""
        kept = (each.resource for each in self.bin.images.values())
        return [
            image for image in (*self.amis.values(), *kept) if any(each.id == snapshot_id for each in image.snapshots)
        ]

    def delete_snapshot(self, snapshot_id: str) -> LabSnapshot:
        """The snapshot goes, into the Recycle Bin when a rule keeps it, and its disk when nothing else holds it."""
        snapshot = self.snapshots.get(snapshot_id)
        if snapshot is None:
            raise InvalidSnapshotIdError
        held = self.holders(snapshot_id)
        if held:
            what = f"The snapshot {snapshot_id} is currently in use by {held[0].id}"
            raise AwsFault("InvalidSnapshot.InUse", what)
        del self.snapshots[snapshot_id]
        self.bin.take_snapshot(snapshot, self.tags.get(snapshot_id, {}))
        self.tables.wake()
        return snapshot
