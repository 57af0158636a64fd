from __future__ import annotations

from typing import Any

import pytest

from orchestrator.lab.ec2.templates.launch_templates import inherited

SOURCE = {"ImageId": "ami-1", "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": "snap-1"}}]}


@pytest.mark.parametrize(
    ("given", "data"),
    [
        ({}, {"ImageId": "ami-1", "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {}}]}),
        ({"BlockDeviceMappings": SOURCE["BlockDeviceMappings"]}, SOURCE),
        ({"BlockDeviceMappings": [], "ImageId": "ami-2"}, {"ImageId": "ami-2", "BlockDeviceMappings": []}),
    ],
)
def test_what_a_version_inherits(given: dict[str, Any], data: dict[str, Any]) -> None:
    """All but the snapshots of volumes, unless it is given anew."""
    assert inherited(SOURCE, given) == data
