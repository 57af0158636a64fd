"""What of a source block becomes a machine block, and what cannot."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.adopt.adoption import adopt
from orchestrator.adopt.reading.template import read_template
from tests.unit.adopt.conftest import OWNER

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.adopt.adoption import Adoption

BUILDER = {"type": "amazon-ebs", "source_ami": "ami-0123456789abcdef0", "ssh_username": "admin", "name": "one"}


def adopt_with(folder: Path, **attributes: Any) -> Adoption:
    path = folder / "t.json"
    path.write_text(json.dumps({"builders": [{**BUILDER, **attributes}]}, indent=1))
    return adopt(read_template(path, {}), None, OWNER)


def image_of(adoption: Adoption) -> str:
    return next(file.content.decode() for file in adoption.files if file.relative == "packer/images/one.yml")


@pytest.mark.parametrize(
    ("attributes", "line"),
    [
        ({"metadata_options": {"http_put_response_hop_limit": 2}}, "imds: {hop_limit: 2}"),
        ({"metadata_options": {"instance_metadata_tags": "enabled"}}, "imds: {instance_tags: true}"),
        ({"enable_unlimited_credits": True}, "credits: unlimited"),
        ({"ena_support": True}, "ena: true"),
        ({"encrypt_boot": True}, "encryption: {}"),
        ({"spot_price": "0.05", "spot_instance_types": ["t3.small", "t3a.small"]}, "max_price: '0.05'"),
        ({"spot_instance_types": ["t3.small", "t3a.small"]}, "instance_types: [t3.small, t3a.small]"),
        ({"ebs_optimized": True}, "fragment: sources/one.pkr.hcl.j2"),
        (
            {"launch_block_device_mappings": [{"device_name": "/dev/sda1", "volume_size": 9, "throughput": 200}]},
            "root_volume: {size: 9, throughput: 200}",
        ),
    ],
)
def test_attribute_when_the_block_has_a_key_for_it(tmp_path: Path, attributes: dict[str, Any], line: str) -> None:
    adoption = adopt_with(tmp_path, **attributes)
    assert line in image_of(adoption)
    assert adoption.ledger.entries() == []


@pytest.mark.parametrize(
    ("attributes", "what"),
    [
        ({"instance_type": "large"}, "builders[0].instance_type"),
        ({"metadata_options": {"http_tokens": "optional"}}, "builders[0].metadata_options.http_tokens"),
        (
            {"launch_block_device_mappings": [{"device_name": "/dev/sdf", "volume_size": "ten"}]},
            "builders[0].launch_block_device_mappings[0]",
        ),
        (
            {"launch_block_device_mappings": [{"device_name": "/dev/sdf", "delete_on_termination": False}]},
            "builders[0].launch_block_device_mappings[0].delete_on_termination",
        ),
        (
            {"ami_block_device_mappings": [{"device_name": "/dev/sdf", "virtual_name": "ephemeral0"}]},
            "builders[0].ami_block_device_mappings[0]",
        ),
        ({"user_data_file": "missing.sh"}, "builders[0].user_data_file"),
        ({"spot_price": "cheap"}, "builders[0].spot_price"),
        ({"run_tags": {"aws:x": "1"}}, "builders[0].run_tags"),
    ],
)
def test_attribute_when_the_block_cannot_have_it(tmp_path: Path, attributes: dict[str, Any], what: str) -> None:
    assert what in {entry.what for entry in adopt_with(tmp_path, **attributes).ledger.entries()}
