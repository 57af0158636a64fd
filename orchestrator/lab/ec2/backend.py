"""EC2 of the lab: moto's backend, where launching, imaging and copying reach machines and disks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from moto.ec2 import urls
from moto.ec2.exceptions import EC2ClientError, MissingParameterError
from moto.ec2.models import amis, ec2_backends, elastic_block_store, instances, launch_templates

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.ec2 import actions
from orchestrator.lab.ec2.answers import LabResponse
from orchestrator.lab.ec2.architectures import check_architecture
from orchestrator.lab.ec2.consistency import EventualBackend
from orchestrator.lab.ec2.instances import LabAmi, LabInstance, LabSnapshot
from orchestrator.lab.ec2.templates.image_pointers import image_of
from orchestrator.lab.ec2.templates.launch_templates import LabLaunchTemplate, named
from orchestrator.lab.ec2.volumes import as_mapping, attach, extra_volumes, merged, omitted
from orchestrator.lab.own_actions import add_actions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Protocol

    from moto.ec2.models.elastic_block_store import Snapshot, Volume
    from moto.ec2.models.instances import Reservation

    from orchestrator.lab.tables import Tables

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

        def hold_back(self, image: LabAmi, snapshot: LabSnapshot | None, seconds: float) -> None:
            """An image, and a snapshot that is made for it, are pending for so many seconds."""


@dataclass(frozen=True)
class PublicImage:
    """An AMI that every region has."""

    name: str
    owner: str
    description: str
    disk: str
    id_in: Callable[[str], str]
    architecture: str = "x86_64"


class LabBackend(EventualBackend):
    """The tables of one account in one region."""

    public: tuple[PublicImage, ...] = ()
    disks: Keeper

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for public in self.public:
            self.publish(public)

    def publish(self, public: PublicImage) -> None:
        """Have a public AMI in this region."""
        image = LabAmi(
            self,
            public.id_in(self.region_name),
            name=public.name,
            owner_id=public.owner,
            description=public.description,
            image_location=f"amazon/{public.name}",
            public=True,
            architecture=public.architecture,
            region_name=f"{self.region_name}a",
        )
        image.ebs_snapshot.disk = public.disk
        self.amis[image.id] = image

    @property
    def _url_module(self) -> Any:
        """Where moto finds the routes of a backend next to its class."""
        return urls

    def run_instances(self, image_id: str, count: int, *args: Any, **kwargs: Any) -> Reservation:
        """Launch from an image of this region that is available."""
        template = kwargs.get("launch_template") or {}
        settings = self._get_template_from_args(template).data if template else {}
        image_id = image_of(self.account_id, self.region_name, image_id or settings.get("ImageId", ""))
        self._bootable(image_id)
        image = cast("LabAmi", self.amis[image_id])
        mappings = merged(image.block_device_mappings, _asked_mappings(kwargs, settings))
        kwargs["block_device_mappings"] = []  # moto makes none then
        asked = "" if kwargs.get("is_instance_type_default") else kwargs.get("instance_type")
        instance_type = str(asked or settings.get("InstanceType") or kwargs.get("instance_type"))
        check_architecture(instance_type, str(image.architecture))
        if self.tables.trouble.shortage(instance_type, _subnet(kwargs, settings)):
            what = (
                f"We currently do not have sufficient {instance_type} capacity in the Availability Zone you requested"
            )
            # One of EC2's server errors (EC2 developer guide, "Error codes"), which moto's exceptions cannot tell.
            raise AwsFault("InsufficientInstanceCapacity", what, 500)
        reservation = super().run_instances(image_id, count, *args, **kwargs)
        tags = (kwargs.get("tags") or {}).get("volume", {})
        for instance in reservation.instances:
            attach(self, instance, mappings, tags)
        name, arn = _profile(kwargs, settings)
        for number, instance in enumerate(cast("list[LabInstance]", reservation.instances)):
            instance.fail_after(self.tables.trouble.death())
            instance.profiled = bool(name or arn)
            # moto's RunInstances associates the profile with the first instance itself.
            direct = kwargs.get("iam_instance_profile_name") or kwargs.get("iam_instance_profile_arn")
            if instance.profiled and (number > 0 or not direct):
                self.associate_iam_instance_profile(instance.id, name, arn)
        self.tables.wake()
        return reservation

    def _get_template_from_args(self, launch_template_arg: dict[str, Any]) -> launch_templates.LaunchTemplateVersion:
        """The version of a launch template that a launch names; the default one when it names none."""
        return named(self, launch_template_arg).get_version(launch_template_arg.get("Version") or "$Default")

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
        if any(image.name == name for image in self.amis.values() if image.owner_id == self.account_id):
            what = f"AMI name {name} is already in use by AMI in this account"
            raise EC2ClientError("InvalidAMIName.Duplicate", what)
        instance = cast("LabInstance", self.get_instance(instance_id))
        if instance.state not in ("running", "stopped", "stopping"):
            what = f"Instance '{instance_id}' is not in state 'running' or 'stopped'"
            raise EC2ClientError("IncorrectInstanceState", what)
        of_image = [entry for entry in tag_specifications if entry["ResourceType"] != "snapshot"]
        image = cast("LabAmi", super().create_image(instance_id, name, description, of_image))
        image.root_device_name = instance.root_device_name
        image.source_image_id, image.source_image_region = instance.image_id, self.region_name
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

    def copy_image(
        self,
        source_image_id: str,
        source_region: str,
        name: str | None = None,
        description: str | None = None,
        key: str = "",
    ) -> LabAmi:
        """Copy an image with its disks from a region into this one, encrypted when there is a key."""
        image = cast("LabAmi", super().copy_image(source_image_id, source_region, name, description))
        source = cast("LabAmi", ec2_backends[self.account_id][source_region].amis[source_image_id])
        if source.state != "available":
            del self.amis[image.id]
            what = f"The image '{source_image_id}' is not available"
            raise EC2ClientError("InvalidAMIID.Unavailable", what)
        image.root_device_name = source.root_device_name
        image.source_image_id, image.source_image_region = source_image_id, source_region
        image.ebs_snapshot.disk = source.disk
        image.root_like(source.ebs_snapshot.volume, source.root_options)
        image.extra = [self._copied(image, each) for each in source.extra]
        if key:
            image.encrypt(key)
        copied = f"SourceAmi {source.id} for SourceSnapshot {source.ebs_snapshot.id}"
        image.ebs_snapshot.description = f"Copied for DestinationAmi {image.id} from {copied}."
        self.disks.hold_back(image, image.ebs_snapshot, self.tables.trouble.slower())
        return image

    def _copied(self, image: LabAmi, mapping: Mapping[str, Any]) -> dict[str, Any]:
        """A mapping of another image, with a copy of its snapshot."""
        ebs = mapping["Ebs"]
        volume = self.create_volume(size=ebs["VolumeSize"], zone_name=f"{self.region_name}a")
        snapshot = super().create_snapshot(volume.id, "", image.owner_id, from_ami=image.id)
        self.delete_volume(volume.id)
        self.disks.copy_volume(ebs["SnapshotId"], snapshot.id)
        return {**mapping, "Ebs": {**ebs, "SnapshotId": snapshot.id}}

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
        snapshot = cast("LabSnapshot", self.get_snapshot(snapshot_id))
        image = cast("LabAmi", super().register_image(name, description))
        del self.snapshots[image.ebs_snapshot.id]
        image.ebs_snapshot = snapshot
        image.root_device_name = root or image.root_device_name
        image.architecture = architecture or image.architecture
        snapshot.from_ami = image.id
        self.disks.hold_back(image, None, self.tables.trouble.slower())
        return image

    def deregister_image(self, ami_id: str) -> None:
        """The image goes, its snapshot stays, as on AWS."""
        super().deregister_image(ami_id)
        self.tables.wake()

    def create_snapshot(self, volume_id: str, *args: Any, **kwargs: Any) -> LabSnapshot:
        """A snapshot; of a machine's root volume it saves the disk as it is."""
        snapshot = cast("LabSnapshot", super().create_snapshot(volume_id, *args, **kwargs))
        attachment = snapshot.volume.attachment
        instance = attachment.instance if attachment else None
        if instance is not None and attachment.device == instance.root_device_name:
            self.disks.capture(instance, snapshot, image=None, reboot=False)
        return snapshot

    def copy_snapshot(self, source_snapshot_id: str, source_region: str, *args: Any, **kwargs: Any) -> LabSnapshot:
        """A snapshot of another region with the disk that it holds."""
        snapshot = cast("LabSnapshot", super().copy_snapshot(source_snapshot_id, source_region, *args, **kwargs))
        source = cast("LabSnapshot", ec2_backends[self.account_id][source_region].snapshots[source_snapshot_id])
        snapshot.disk = source.disk
        return snapshot

    def delete_snapshot(self, snapshot_id: str) -> Snapshot:
        """The snapshot goes, and its disk when nothing else holds it."""
        snapshot = super().delete_snapshot(snapshot_id)
        self.tables.wake()
        return snapshot

    def _bootable(self, image_id: str) -> None:
        image = cast("LabAmi | None", self.amis.get(image_id))
        if image is None:
            raise EC2ClientError("InvalidAMIID.NotFound", f"The image id '[{image_id}]' does not exist")
        if image.state != "available" or not image.disk:
            what = f"The image ID '{image_id}' is not available. Its state is '{image.state}'."
            raise EC2ClientError("InvalidAMIID.Unavailable", what)


def _asked_mappings(kwargs: dict[str, Any], template: dict[str, Any]) -> list[Mapping[str, Any]]:
    """The block devices that a launch asks for: the call, its launch template or its launch configuration."""
    configuration = kwargs.get("launch_config")
    given = kwargs.get("block_device_mappings") or template.get("BlockDeviceMappings")
    return list(given or (configuration.block_device_mapping_dict if configuration is not None else ()) or ())


def _profile(kwargs: dict[str, Any], template: dict[str, Any]) -> tuple[str | None, str | None]:
    """The instance profile's name or ARN, from the call, its launch template or its launch configuration."""
    name, arn = kwargs.get("iam_instance_profile_name"), kwargs.get("iam_instance_profile_arn")
    if not (name or arn):
        given = template.get("IamInstanceProfile") or {}
        name, arn = given.get("Name"), given.get("Arn")
    configuration = kwargs.get("launch_config")
    if not (name or arn) and configuration is not None:
        given = configuration.iam_instance_profile or ""
        name, arn = (None, given) if given.startswith("arn:") else (given or None, None)
    return name, arn


def _subnet(kwargs: dict[str, Any], template: dict[str, Any]) -> str:
    """The subnet that a launch asks for, from the call, its first interface or its launch template."""
    interfaces = kwargs.get("nics") or template.get("NetworkInterfaces") or [{}]
    return str(kwargs.get("subnet_id") or interfaces[0].get("SubnetId") or template.get("SubnetId") or "")


def install(tables: Tables, disks: Keeper, console: Callable[[str], bytes]) -> None:
    """Put the lab's classes in the place of moto's. To be called before moto makes its first EC2 backend."""
    LabInstance.tables = tables
    LabBackend.tables = tables
    LabBackend.disks = disks
    LabResponse.console = staticmethod(console)
    add_actions(LabResponse, actions, tables)
    instances.Instance = LabInstance  # type: ignore[misc]
    amis.Ami = LabAmi  # type: ignore[misc]
    elastic_block_store.Snapshot = LabSnapshot  # type: ignore[misc]
    launch_templates.LaunchTemplate = LabLaunchTemplate  # type: ignore[misc]
    ec2_backends.backend = LabBackend
    urls.url_paths = {"{0}/": LabResponse.dispatch}


def publish(tables: Tables, public: PublicImage) -> None:
    """Have a public AMI in every region, also in those that are made later."""
    with tables.lock:
        LabBackend.public = (*LabBackend.public, public)
        for backend in tables.backends():
            backend.publish(public)
