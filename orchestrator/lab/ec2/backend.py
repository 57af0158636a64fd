"""EC2 of the lab: moto's backend, where launching, imaging and copying reach machines and disks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from moto.ec2 import urls
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import amis, ec2_backends, elastic_block_store, instances, launch_templates

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.ec2 import actions
from orchestrator.lab.ec2.ami import LabAmi, LabSnapshot
from orchestrator.lab.ec2.answers import LabResponse
from orchestrator.lab.ec2.architectures import check_architecture
from orchestrator.lab.ec2.images.imaging import ImagingBackend
from orchestrator.lab.ec2.instances import LabInstance
from orchestrator.lab.ec2.templates.image_pointers import image_of
from orchestrator.lab.ec2.templates.launch_templates import LabLaunchTemplate, named
from orchestrator.lab.ec2.volumes import attach, merged
from orchestrator.lab.kms.acting import acting
from orchestrator.lab.kms.launching import launch_refusal
from orchestrator.lab.own_actions import add_actions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from moto.ec2.models.instances import Reservation

    from orchestrator.lab.ec2.images.imaging import Keeper
    from orchestrator.lab.tables import Tables


@dataclass(frozen=True)
class PublicImage:
    """An AMI that every region has."""

    name: str
    owner: str
    description: str
    disk: str
    id_in: Callable[[str], str]
    architecture: str = "x86_64"


class LabBackend(ImagingBackend):
    """The tables of one account in one region."""

    public: tuple[PublicImage, ...] = ()

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
        image.ebs_snapshot.create_volume_permission_groups = {"all"}
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
        image = self._bootable(image_id)
        asked_mappings = _asked_mappings(kwargs, settings)
        self._check_snapshots(image, asked_mappings)
        mappings = merged(image.block_device_mappings, asked_mappings)
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
        image.note_launch()
        keys = {str(each["Ebs"]["KmsKeyId"]) for each in mappings if each["Ebs"].get("KmsKeyId")}
        refused = launch_refusal(acting(self.account_id), sorted(keys), self.region_name)
        tags = (kwargs.get("tags") or {}).get("volume", {})
        for instance in reservation.instances:
            attach(self, instance, mappings, tags)
        name, arn = _profile(kwargs, settings)
        for number, instance in enumerate(cast("list[LabInstance]", reservation.instances)):
            instance.fail_after(self.tables.trouble.death())
            instance.refused = refused
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

    def _bootable(self, image_id: str) -> LabAmi:
        image = self.image(image_id)
        if image is None:
            raise EC2ClientError("InvalidAMIID.NotFound", f"The image id '[{image_id}]' does not exist")
        if image.state != "available" or not image.disk:
            what = f"The image ID '{image_id}' is not available. Its state is '{image.state}'."
            raise EC2ClientError("InvalidAMIID.Unavailable", what)
        return image

    def _check_snapshots(self, image: LabAmi, asked: Iterable[Mapping[str, Any]]) -> None:
        """Whoever may launch an AMI need not be able to read its snapshots; other snapshots of a launch, one must."""
        own = {each.id for each in image.snapshots}
        for each in asked:
            snapshot_id = each.get("Ebs", {}).get("SnapshotId")
            if snapshot_id and snapshot_id not in own:
                self.readable_snapshot(snapshot_id)


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
