"""EC2's DescribeInstanceImageMetadata: the AMI of each instance, also when it is gone (EC2 API Reference)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.ec2.images.view import instant
from orchestrator.lab.ec2.listing import matching, part

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.lab.asked import Asked
    from orchestrator.lab.ec2.ami import LabAmi

_READERS: dict[str, Callable[[Any], object]] = {
    "availability-zone": lambda each: each["AvailabilityZone"],
    "image-allowed": lambda each: each["ImageMetadata"].get("ImageAllowed"),
    "instance-id": lambda each: each["InstanceId"],
    "instance-state-name": lambda each: each["State"]["Name"],
    "instance-type": lambda each: each["InstanceType"],
    "launch-time": lambda each: each["LaunchTime"].strftime("%Y-%m-%dT%H:%M:%S.000Z"),
    "owner-alias": lambda each: each["ImageMetadata"].get("ImageOwnerAlias"),
    "owner-id": lambda each: each["ImageMetadata"].get("OwnerId"),
    "tag-key": lambda each: [tag["Key"] for tag in each["Tags"]],
}


def answer(asked: Asked) -> dict[str, Any]:
    """One page. Raises AwsFault for instances that the account does not have, and for unknown filters."""
    tables, ids = asked.ec2(), asked.parameters.get("InstanceIds", [])
    instances = {each.id: each for each in tables.all_instances()}
    missing = [each for each in ids if each not in instances]
    if missing:
        raise AwsFault("InvalidInstanceID.NotFound", f"The instance ID '{missing[0]}' does not exist")
    shown = [_shown(tables, each) for each in instances.values() if not ids or each.id in ids]
    filters = asked.parameters.get("Filters", [])
    readers = _READERS | {each["Name"]: _tag(each["Name"]) for each in filters if each["Name"].startswith("tag:")}
    shown, more = part(matching(shown, filters, readers), asked.parameters)
    return {"InstanceImageMetadata": shown, **more}


def _tag(name: str) -> Callable[[Any], object]:
    key = name.removeprefix("tag:")
    return lambda each: [tag["Value"] for tag in each["Tags"] if tag["Key"] == key]


def _shown(tables: Any, instance: Any) -> dict[str, Any]:
    return {
        "InstanceId": instance.id,
        "InstanceType": instance.instance_type,
        "LaunchTime": instance.launch_time,
        "AvailabilityZone": instance._placement.zone,  # noqa: SLF001 - where moto keeps it
        "State": {"Code": instance.state_code, "Name": instance.state},
        "OwnerId": tables.account_id,
        "Tags": [{"Key": key, "Value": value} for key, value in tables.tags.get(instance.id, {}).items()],
        "ImageMetadata": _image(tables, instance.image) if instance.image else {"ImageId": instance.image_id},
    }


def _image(tables: Any, image: LabAmi) -> dict[str, Any]:
    there = image.id in image.ec2_backend.amis
    told = {
        "ImageId": image.id,
        "Name": image.name,
        "OwnerId": image.owner_id,
        "State": image.state if there else "deregistered",
        "ImageOwnerAlias": image.owner_alias,
        "CreationDate": instant(image.creation_date),
        "DeprecationTime": instant(image.deprecated_at),
        "ImageAllowed": tables.allowed.meets(image, tables.account_id) if tables.allowed.state != "disabled" else None,
        "IsPublic": image.is_public,
        "ImageWatermarks": [mark.as_answer() for mark in image.watermarks] or None,
    }
    return {name: value for name, value in told.items() if value is not None}
