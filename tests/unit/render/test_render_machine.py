"""The machine block as Packer gets it: said once, and taken by the Packer that is here."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.definition.machine.block import Machine
from orchestrator.errors import LackError
from orchestrator.process import run
from orchestrator.render.packer import render
from tests.unit.render.sets import LEGACY, PLUGINS

if TYPE_CHECKING:
    from orchestrator.plan.segment import SegmentOutline
    from tests.unit.render.conftest import Project

WHOLE = {
    "instance_types": ["t3.small", "t3a.small"],
    "root_volume": {"size": 20, "throughput": 200},
    "volumes": [
        {"device": "/dev/sdf", "size": 2},
        {"device": "/dev/sdg", "size": 30, "type": "io2", "iops": 400, "build_only": True},
        {"device": "/dev/sdh", "snapshot": "snap-0123456789abcdef0"},
    ],
    "encryption": {"kms_key": "alias/images"},
    "spot": {"max_price": "0.05"},
    "user_data": "boot.sh",
    "fragment": "sources/optimized.pkr.hcl.j2",
    "tags": {"cost-center": "42"},
}


def built_on(project: Project, **block: Any) -> SegmentOutline:
    """The segment of a layer with this machine block."""
    segment = project.segment()
    layer = replace(segment.layers[0], machine=Machine.model_validate(block))
    return replace(segment, layers=(layer,), stack=(layer,))


def test_packer_takes_a_whole_machine_block(project: Project) -> None:
    """`fmt` has nothing to add, and `validate` nothing against it; a fragment stands within the source block."""
    project.add("boot.sh", "#!/bin/sh\n")
    project.add("packer/sources/optimized.pkr.hcl.j2", "ebs_optimized = true\n")
    text = render(project.workspace, built_on(project, **WHOLE), LEGACY)
    path = project.add("golden.pkr.hcl", text)
    project.add("empty.pkrvars.hcl", 'region = "us-east-1"\nendpoint = "http://127.0.0.1:9"\n')
    assert run(["packer", "fmt", "-check", "-diff", str(path)], check=False).out == ""
    run(["packer", "validate", "-var-file=empty.pkrvars.hcl", path.name], cwd=project.root)
    assert "  ebs_optimized = true\n}\n\nbuild {" in text
    said = " ".join(text.split())
    for part in (
        'device_name = var.root_device delete_on_termination = true volume_size = 20 volume_type = "gp3" iops = 3000',
        'device_name = "/dev/sdf" delete_on_termination = true volume_size = 2 volume_type = "gp3" iops = 3000',
        'device_name = "/dev/sdg" delete_on_termination = true volume_size = 30 volume_type = "io2" iops = 400 }',
        'ami_block_device_mappings { device_name = "/dev/sdg" no_device = true }',
        'snapshot_id = "snap-0123456789abcdef0"',
        "encrypt_boot = true",
        'kms_key_id = "alias/images"',
        "spot_price = var.spot_price",
        'spot_tags = var.spot_price == "" ? null : merge(local.run_tags, var.run_tags)',
        'user_data_file = join("/", [var.workspace, "boot.sh"])',
        '"cost-center" = "42"',
    ):
        assert part in said


def test_what_is_not_said_is_not_rendered(project: Project) -> None:
    """An image without a machine block is launched as the AMI and the environment say."""
    text = render(project.workspace, built_on(project), LEGACY)
    assert "block_device_mappings" not in text
    assert "spot_price" not in text
    assert "root_device" not in text
    assert "user_data" not in text


@pytest.mark.parametrize("block", [{"credits": "unlimited"}, {"imds": {"hop_limit": 2}}])
def test_what_packer_does_not_know_is_refused_and_not_dropped(project: Project, block: dict[str, Any]) -> None:
    """It is in the file of a Packer that knows it."""
    with pytest.raises(LackError, match=r"golden: Packer 1\.6\.6 cannot do what .* of the machine block asks for"):
        render(project.workspace, built_on(project, **block), LEGACY)
    said = " ".join(render(project.workspace, built_on(project, **block), PLUGINS).split())
    assert "enable_unlimited_credits = true" in said or "http_put_response_hop_limit = 2" in said
