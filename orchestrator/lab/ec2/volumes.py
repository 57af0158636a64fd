"""Block device mappings of the lab's EC2: what an AMI has, what a launch asks for, and what CreateImage keeps.

A mapping is a dict as the EC2 API Reference has it (`BlockDeviceMapping`): `DeviceName`, and `Ebs` or `NoDevice`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.ec2.exceptions import EC2ClientError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

#: What EBS gives to a gp3 volume for which nobody asks more (EBS User Guide, "General Purpose SSD volumes").
_GP3 = {"Iops": 3000, "Throughput": 125}


def merged(image: Iterable[Mapping[str, Any]], asked: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What a launch attaches: the mappings of the image, with what was asked for over them, device by device.

    Raises EC2ClientError for a volume that is smaller than its snapshot.
    """
    devices: dict[str, dict[str, Any]] = {each["DeviceName"]: dict(each["Ebs"]) for each in image}
    for each in asked:
        if each.get("NoDevice") is not None:
            devices.pop(each["DeviceName"], None)
        elif "Ebs" in each:
            given = {key: value for key, value in each["Ebs"].items() if value is not None}
            known = devices.get(each["DeviceName"], {})
            _check_size(known, given)
            if given.get("VolumeType", known.get("VolumeType")) != known.get("VolumeType"):
                known = {key: value for key, value in known.items() if key not in _GP3}
            devices[each["DeviceName"]] = known | given
    return [{"DeviceName": device, "Ebs": ebs} for device, ebs in devices.items()]


def _check_size(known: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    least = int(known.get("VolumeSize", 0))
    if int(given.get("VolumeSize", least)) < least:
        what = f"Volume of size {given['VolumeSize']}GB is smaller than snapshot '{known.get('SnapshotId')}'"
        raise EC2ClientError("InvalidBlockDeviceMapping", f"{what}, expect size >= {least}GB")


def attach(backend: Any, instance: Any, mappings: Iterable[Mapping[str, Any]], tags: Mapping[str, str]) -> None:
    """Make the volumes of an instance that is launched."""
    for each in mappings:
        ebs = each["Ebs"]
        kind = ebs.get("VolumeType") or "gp2"
        usual: Mapping[str, int] = _GP3 if kind == "gp3" else {}
        key = ebs.get("KmsKeyId")
        # The snapshot may be one of somebody else, which the launch may use and moto does not find.
        volume = backend.create_volume(
            size=_size(backend, ebs),
            zone_name=instance._placement.zone,  # noqa: SLF001 - where moto keeps it
            encrypted=_true(ebs.get("Encrypted")) or bool(key),
            kms_key_id=key,
            volume_type=kind,
            iops=_number(ebs.get("Iops")) or usual.get("Iops"),
            throughput=_number(ebs.get("Throughput")) or usual.get("Throughput"),
        )
        volume.snapshot_id = ebs.get("SnapshotId")
        volume.add_tags(dict(tags))
        if each["DeviceName"] != instance.root_device_name:
            instance.volumes[volume.id] = each["DeviceName"]
        backend.attach_volume(volume.id, instance.id, each["DeviceName"], _true(ebs.get("DeleteOnTermination")))


def _size(backend: Any, ebs: Mapping[str, Any]) -> int | None:
    """GiB, as asked, or as the snapshot has them."""
    size = _number(ebs.get("VolumeSize"))
    return (
        int(backend.readable_snapshot(ebs["SnapshotId"]).volume_size) if size is None and "SnapshotId" in ebs else size
    )


def extra_volumes(instance: Any) -> Iterator[tuple[str, Any]]:
    """(device, volume) of all that is attached to an instance besides its root."""
    for device, attached in instance.get_block_device_mapping:
        if device != instance.root_device_name:
            yield device, instance.ec2_backend.volumes[attached.volume_id]


def as_mapping(device: str, volume: Any, snapshot: Any, *, delete: bool) -> dict[str, Any]:
    """The mapping of an AMI for a volume whose snapshot it keeps."""
    ebs = {
        "SnapshotId": snapshot.id,
        "VolumeSize": volume.size,
        "VolumeType": volume.volume_type,
        "DeleteOnTermination": delete,
        "Encrypted": volume.encrypted,
        **({"Iops": volume.iops} if volume.iops else {}),
        **({"Throughput": volume.throughput} if volume.throughput else {}),
        **({"KmsKeyId": volume.kms_key_id} if volume.kms_key_id else {}),
    }
    return {"DeviceName": device, "Ebs": ebs}


def omitted(asked: Iterable[Mapping[str, Any]]) -> set[str]:
    """The devices that a call leaves out of an image."""
    return {each["DeviceName"] for each in asked if each.get("NoDevice") is not None}


def _number(value: Any) -> int | None:
    return None if value is None else int(value)


def _true(value: Any) -> bool:
    return value is True or str(value).lower() == "true"
