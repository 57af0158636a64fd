"""What of a machine block decides the result of a build, and where blocks go over each other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from orchestrator.definition.machine.block import Machine
from orchestrator.definition.workspace import load

if TYPE_CHECKING:
    from orchestrator.plan.segment import Segment
    from tests.unit.plan.conftest import Planner


def segments(planner: Planner, blocks: dict[str, str] | None = None) -> dict[str, Segment]:
    """The segments of golden and web with more lines in these files, by name."""
    root = planner.workspace.root
    texts = {path: (root / path).read_text() for path in blocks or {}}
    for path, block in (blocks or {}).items():
        (root / path).write_text(texts[path] + block)
    try:
        changed = replace(planner, workspace=load(root))
        return {segment.name: segment for segment in changed.segments(["golden", "web"])}
    finally:
        for path, text in texts.items():
            (root / path).write_text(text)


def test_what_of_a_machine_block_counts(written: Planner) -> None:
    """What is in the AMI, and what the machine is given, count. How it is come by does not."""
    (written.workspace.root / "boot.sh").write_text("#!/bin/sh\n")
    before = segments(written)
    golden = "packer/images/golden.yml"
    same = segments(
        written,
        {golden: "machine: {instance_types: [m7i.large], architecture: x86_64, spot: true, tags: {a: b}}\n"},
    )
    assert {name: one.fingerprint for name, one in same.items()} == {n: one.fingerprint for n, one in before.items()}
    for block in ("{root_volume: {size: 20}}", "{encryption: {}}", "{user_data: boot.sh}", "{imds: {hop_limit: 2}}"):
        after = segments(written, {golden: f"machine: {block}\n"})
        assert after["golden"].fingerprint != before["golden"].fingerprint, block
        assert after["web"].fingerprint != before["web"].fingerprint, block
    own = segments(written, {"packer/images/web.yml": "machine: {root_volume: {size: 20}}\n"})
    assert own["golden"].fingerprint == before["golden"].fingerprint
    assert own["web"].fingerprint != before["web"].fingerprint


def test_the_content_of_user_data_counts_and_not_its_name(written: Planner) -> None:
    root, golden = written.workspace.root, "packer/images/golden.yml"
    found = []
    for name, text in (("a.sh", "one"), ("b.sh", "one"), ("b.sh", "two")):
        (root / name).write_text(text)
        found.append(segments(written, {golden: f"machine: {{user_data: {name}}}\n"})["golden"].fingerprint)
    assert found[0] == found[1] != found[2]


def test_blocks_go_over_each_other(written: Planner) -> None:
    """Workspace, then what is below, then layers, then the image; scratch volumes and user data stay where they are."""
    (written.workspace.root / "boot.sh").write_text("#!/bin/sh\n")
    found = segments(
        written,
        {
            "ami.yml": "machine: {root_volume: {size: 10}, instance_types: [t3.small], spot: true, tags: {a: b}}\n",
            "packer/images/golden.yml": "machine:\n"
            "  root_volume: {size: 20, type: gp3}\n"
            "  user_data: boot.sh\n"
            "  volumes: [{device: /dev/sdf, size: 2}, {device: /dev/sdg, size: 3, build_only: true}]\n",
            "packer/images/web.yml": "machine:\n"
            "  instance_types: [m7i.large]\n"
            "  spot: false\n"
            "  volumes: [{device: /dev/xvdf, size: 4}]\n",
        },
    )
    golden, web = found["golden"].machine, found["web"].machine
    assert (golden.root_volume.size, golden.instance_types, golden.user_data) == (20, ("t3.small",), "boot.sh")
    assert [volume.device for volume in golden.volumes] == ["/dev/sdf", "/dev/sdg"]
    assert (web.root_volume.size, web.root_volume.type, web.instance_types) == (20, "gp3", ("m7i.large",))
    assert [(volume.device, volume.size) for volume in web.volumes] == [("/dev/sdf", 4)]
    assert (golden.spot is None, web.spot, web.user_data, web.tags) == (False, None, None, {"a": "b"})


def test_a_block_over_one_that_says_nothing_is_the_block() -> None:
    fields: dict[str, Any] = {"root_volume": {"size": 9}, "spot": True, "ena": False, "credits": "standard"}
    block = Machine.model_validate(fields)
    assert block.over(Machine()).deciding() == block.deciding() == {"root_volume": {"size": 9}, "ena": False}
