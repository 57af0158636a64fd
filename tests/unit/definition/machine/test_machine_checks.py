"""Machine blocks: each mistake is told at its line, in the words of who wrote it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.definition.conftest import AMI, GOLDEN, WEB

if TYPE_CHECKING:
    from collections.abc import Callable

#: What a block may say wrong, in golden (which has five lines of its own), and what is said of it.
MISTAKES = {
    "{root_volume: {sice: 20}}": "unknown key 'sice' (did you mean 'size'?)",
    "{root_volume: {type: st1, size: 200}}": "'type': no machine boots from a volume of type st1",
    "{root_volume: {iops: 2999}}": "'iops' of a gp3 volume is 3,000 to 16,000 IOPS, not 2,999",
    "{root_volume: {size: 10, iops: 6000}}": "'iops': a gp3 volume of 10 GiB has 5,000 at most, not 6,000",
    "{root_volume: {throughput: 1000}}": "'throughput' of 1000 MiB/s needs 'iops: 4000' or more",
    "{root_volume: {type: gp2, throughput: 125}}": "'throughput' is not for volumes of type gp2, only for gp3",
    "{root_volume: {type: io2}}": "a volume of type io2 needs 'iops'",
    "{root_volume: {type: io1, size: 10, iops: 501}}": "'iops': a io1 volume of 10 GiB has 500 at most, not 501",
    "{volumes: [{device: /dev/sdf, size: 100, type: st1}]}": "'size' of a st1 volume is 125 to 16,384 GiB, not 100",
    "{volumes: [{device: /dev/sdf}]}": "'size' of /dev/sdf is missing",
    "{volumes: [{device: sdf, size: 1}]}": "'device' cannot be 'sdf': A device such as /dev/sdf",
    "{volumes: [{device: /dev/sdf, size: 1}, {device: /dev/xvdf, size: 1}]}": "name one place of the machine twice",
    "{architecture: arm64}": "'architecture' is arm64, and its source has x86_64",
    "{architecture: arm}": "'architecture' must be",
    "{user_data: boot.sh}": "'user_data': there is no file 'boot.sh' in the workspace",
    "{user_data: ../boot.sh}": "'user_data': there is no file '../boot.sh' in the workspace",
    "{spot: true, ena: true}": "'ena' is set on a stopped machine, and one on 'spot' capacity is never stopped",
    "{credits: unlimited, instance_types: [m7i.large]}": "'credits': m7i.large has none",
    "{fragment: sources/x.pkr.hcl.j2}": "'fragment': there is no template packer/sources/x.pkr.hcl.j2",
    "{tags: {'ami:run': x}}": "the factory sets 'Name' and the keys that begin with 'ami:' itself",
}


@pytest.mark.parametrize("block", MISTAKES)
def test_a_mistake_is_told_at_its_line(block: str, mistakes: Callable[..., list[str]]) -> None:
    (told,) = mistakes({"packer/images/golden.yml": f"{GOLDEN}machine: {block}\n"})
    assert told.startswith("packer/images/golden.yml:6: ")
    assert MISTAKES[block] in told


def test_user_data_that_ec2_would_not_take(mistakes: Callable[..., list[str]]) -> None:
    """The limit is EC2's, before the data is encoded."""
    files = {"packer/images/golden.yml": f"{GOLDEN}machine: {{user_data: boot.sh}}\n"}
    assert mistakes({**files, "boot.sh": "#" * 16_384}) == []
    (told,) = mistakes({**files, "boot.sh": "#" * 16_385})
    assert told == "packer/images/golden.yml:6: 'user_data': 'boot.sh' has 16,385 bytes, and EC2 takes 16,384"


def test_sizes_only_grow_along_a_lineage(mistakes: Callable[..., list[str]]) -> None:
    """What an image says is compared with the images and the layers that it stands on."""
    golden = f"{GOLDEN}machine:\n  root_volume: {{size: 20}}\n  volumes: [{{device: /dev/sdf, size: 4}}]\n"
    web = f"{WEB}machine:\n  root_volume: {{size: %s}}\n  volumes: [{{device: /dev/sdf, size: %s}}]\n"
    assert mistakes({"packer/images/golden.yml": golden, "packer/images/web.yml": web % (20, 5)}) == []
    assert mistakes({"packer/images/golden.yml": golden, "packer/images/web.yml": web % (19, 3)}) == [
        "packer/images/web.yml:10: 'size': the root volume has 20 GiB in what it stands on, and cannot shrink to 19",
        "packer/images/web.yml:11: 'size': /dev/sdf has 4 GiB in what it stands on, and cannot shrink to 3",
    ]


def test_a_layer_that_shrinks_what_the_layer_below_it_has(mistakes: Callable[..., list[str]]) -> None:
    """The mistake is in ami.yml then, at the layer's own block."""
    ami = AMI.replace(
        "{roles: [system], protected: true}", "{roles: [system], machine: {root_volume: {size: 30}}}"
    ).replace("{roles: [agent]}", "{roles: [agent], machine: {root_volume: {size: 10}}}")
    (told,) = mistakes({"ami.yml": ami})
    assert told == "ami.yml:9: 'size': the root volume has 30 GiB in what it stands on, and cannot shrink to 10"


def test_a_volume_of_the_parent_is_not_taken_out_of_the_ami(mistakes: Callable[..., list[str]]) -> None:
    golden = f"{GOLDEN}machine: {{volumes: [{{device: /dev/sdf, size: 4}}]}}\n"
    web = f"{WEB}machine: {{volumes: [{{device: /dev/sdf, build_only: true}}]}}\n"
    (told,) = mistakes({"packer/images/golden.yml": golden, "packer/images/web.yml": web})
    assert told == "packer/images/web.yml:9: 'build_only': /dev/sdf is in the AMI that it stands on"
