"""What DescribeImages shows of an AMI to whom, and what its filters look at (EC2 API Reference, "DescribeImages")."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from moto.core.utils import utcnow

from orchestrator.lab.ec2.images.copying import SHARED_TAG

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from orchestrator.lab.ec2.ami import LabAmi
    from orchestrator.lab.ec2.images.allowed import AllowedImages

    #: An AMI as EC2 writes it ("Image").
    View = Mapping[str, Any]


def instant(moment: datetime | None, form: str = "%Y-%m-%dT%H:%M:%S.000Z") -> str | None:
    """A time as EC2 writes those that are texts."""
    return moment.strftime(form) if moment is not None else None


def last_launched(image: LabAmi, late: float) -> str | None:
    """When an instance was last launched, as far as EC2 tells it yet: `late` seconds after the launch."""
    reported = [each for each in image.launched if each <= utcnow() - timedelta(seconds=late)]
    return instant(reported[-1], "%Y-%m-%dT%H:%M:%SZ") if reported else None


def view(image: LabAmi, account: str, allowed: AllowedImages, late: float) -> dict[str, Any]:
    """What an account is shown of an AMI: of somebody else's, only the tags that are shared."""
    own = image.owner_id == account
    tags = image.ec2_backend.tags.get(image.id, {})
    answer = {
        "Architecture": image.architecture,
        "BlockDeviceMappings": image.block_device_mappings,
        "BootMode": image.boot_mode,
        "CreationDate": image.creation_date,
        "DeprecationTime": instant(image.deprecated_at),
        "DeregistrationProtection": image.protection.value if own else None,
        "Description": image.description or None,
        "EnaSupport": True,
        "Hypervisor": image.hypervisor,
        "ImageAllowed": allowed.meets(image, account) if allowed.state != "disabled" else None,
        "ImageId": image.id,
        "ImageLocation": image.image_location or f"{image.owner_id}/{image.name}",
        "ImageOwnerAlias": image.owner_alias,
        "ImageType": image.image_type,
        "ImageWatermarks": [mark.as_answer() for mark in image.watermarks] or None,
        "ImdsSupport": image.imds,
        "LastLaunchedTime": last_launched(image, late) if own else None,
        "Name": image.name,
        "OwnerId": image.owner_id,
        "PlatformDetails": "Linux/UNIX",
        "ProductCodes": [],
        "Public": image.is_public,
        "RootDeviceName": image.root_device_name,
        "RootDeviceType": image.root_device_type,
        "SourceImageId": image.source_image_id,
        "SourceImageRegion": image.source_image_region,
        "SourceInstanceId": image.source_instance_id if own else None,
        "SriovNetSupport": image.sriov,
        "State": image.state,
        "StateReason": image.reason.as_answer() if image.reason else None,
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items() if own or key.startswith(SHARED_TAG)],
        "UsageOperation": "RunInstances",
        "VirtualizationType": image.virtualization_type,
    }
    return {name: value for name, value in answer.items() if value is not None}


def _one(*path: str) -> Callable[[View], list[str]]:
    def read(shown: View) -> list[str]:
        value: Any = shown
        for name in path:
            value = value.get(name, {}) if isinstance(value, dict) else {}
        return [] if value == {} else [_text(value)]

    return read


def _each(name: str, *path: str) -> Callable[[View], list[str]]:
    def read(shown: View) -> list[str]:
        return [text for each in shown.get(name, []) for text in _one(*path)(each)]

    return read


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if not hasattr(value, "strftime") else str(instant(value))


_FIELDS: Mapping[str, Callable[[View], list[str]]] = {
    "architecture": _one("Architecture"),
    "block-device-mapping.delete-on-termination": _each("BlockDeviceMappings", "Ebs", "DeleteOnTermination"),
    "block-device-mapping.device-name": _each("BlockDeviceMappings", "DeviceName"),
    "block-device-mapping.encrypted": _each("BlockDeviceMappings", "Ebs", "Encrypted"),
    "block-device-mapping.snapshot-id": _each("BlockDeviceMappings", "Ebs", "SnapshotId"),
    "block-device-mapping.volume-size": _each("BlockDeviceMappings", "Ebs", "VolumeSize"),
    "block-device-mapping.volume-type": _each("BlockDeviceMappings", "Ebs", "VolumeType"),
    "boot-mode": _one("BootMode"),
    "creation-date": _one("CreationDate"),
    "description": _one("Description"),
    "ena-support": _one("EnaSupport"),
    "free-tier-eligible": _one("FreeTierEligible"),
    "hypervisor": _one("Hypervisor"),
    "image-allowed": _one("ImageAllowed"),
    "image-id": _one("ImageId"),
    "image-type": _one("ImageType"),
    "image-watermark.source-image-creation-time": _each("ImageWatermarks", "SourceImageCreationTime"),
    "image-watermark.source-image-id": _each("ImageWatermarks", "SourceImageId"),
    "image-watermark.source-image-region": _each("ImageWatermarks", "SourceImageRegion"),
    "image-watermark.watermark-creation-time": _each("ImageWatermarks", "WatermarkCreationTime"),
    "image-watermark.watermark-key": _each("ImageWatermarks", "WatermarkKey"),
    "is-public": _one("Public"),
    "kernel-id": _one("KernelId"),
    "manifest-location": _one("ImageLocation"),
    "name": _one("Name"),
    "owner-alias": _one("ImageOwnerAlias"),
    "owner-id": _one("OwnerId"),
    "platform": _one("Platform"),
    "product-code": _each("ProductCodes", "ProductCodeId"),
    "product-code.type": _each("ProductCodes", "ProductCodeType"),
    "public-ssm-parameter-name": _one("PublicSsmParameterName"),
    "ramdisk-id": _one("RamdiskId"),
    "root-device-name": _one("RootDeviceName"),
    "root-device-type": _one("RootDeviceType"),
    "source-image-id": _one("SourceImageId"),
    "source-image-region": _one("SourceImageRegion"),
    "source-instance-id": _one("SourceInstanceId"),
    "sriov-net-support": _one("SriovNetSupport"),
    "state": _one("State"),
    "state-reason-code": _one("StateReason", "Code"),
    "state-reason-message": _one("StateReason", "Message"),
    "tag-key": _each("Tags", "Key"),
    "virtualization-type": _one("VirtualizationType"),
}


class _Fields(dict[str, "Callable[[View], list[str]]"]):
    """Those above, and one for each tag key."""

    def __contains__(self, name: object) -> bool:
        return str(name).startswith("tag:") or super().__contains__(name)

    def __missing__(self, name: str) -> Callable[[View], list[str]]:
        key = name.removeprefix("tag:")
        return lambda shown: [tag["Value"] for tag in shown["Tags"] if tag["Key"] == key]


#: What each filter of DescribeImages looks at.
FIELDS = _Fields(_FIELDS)
