"""Block device mappings: what a launch asks for goes over those of the image, device by device."""

from __future__ import annotations

from typing import Any

import pytest
from moto.ec2.exceptions import EC2ClientError

from orchestrator.lab.ec2.volumes import merged, omitted

ROOT = {"SnapshotId": "snap-1", "VolumeSize": 8, "VolumeType": "gp3", "Iops": 3000, "Throughput": 125}
SECOND = {"SnapshotId": "snap-2", "VolumeSize": 2, "VolumeType": "gp2", "Encrypted": True, "KmsKeyId": "key"}
IMAGE = [{"DeviceName": "/dev/xvda", "Ebs": ROOT}, {"DeviceName": "/dev/sdf", "Ebs": SECOND}]


def asked(device: str, **ebs: Any) -> dict[str, Any]:
    return {"DeviceName": device, "Ebs": ebs}


def test_a_launch_that_asks_for_nothing_has_the_volumes_of_its_image() -> None:
    assert merged(IMAGE, []) == IMAGE


def test_a_larger_volume_keeps_the_snapshot_and_the_key_of_the_image() -> None:
    """It has what was written to it, and is encrypted as it was."""
    (root, second) = merged(IMAGE, [asked("/dev/sdf", VolumeSize="5"), asked("/dev/xvda", VolumeSize="20")])
    assert root["Ebs"] == ROOT | {"VolumeSize": "20"}
    assert second["Ebs"] == SECOND | {"VolumeSize": "5"}


def test_a_volume_of_another_type_does_not_keep_what_only_the_first_type_has() -> None:
    (root, _) = merged(IMAGE, [asked("/dev/xvda", VolumeType="gp2")])
    assert root["Ebs"] == {"SnapshotId": "snap-1", "VolumeSize": 8, "VolumeType": "gp2"}


def test_a_volume_is_added_or_left_out() -> None:
    found = merged(IMAGE, [asked("/dev/sdg", VolumeSize=3), {"DeviceName": "/dev/sdf", "NoDevice": ""}])
    assert [each["DeviceName"] for each in found] == ["/dev/xvda", "/dev/sdg"]
    assert omitted([{"DeviceName": "/dev/sdf", "NoDevice": ""}, asked("/dev/sdg")]) == {"/dev/sdf"}


def test_a_volume_that_is_smaller_than_its_snapshot_is_refused() -> None:
    with pytest.raises(EC2ClientError, match=r"Volume of size 1GB is smaller than snapshot 'snap-2', expect size >= 2"):
        merged(IMAGE, [asked("/dev/sdf", VolumeSize=1)])
