"""The gate `machine`, with what machines of different kinds say of themselves."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestrator.validate.gates.machine import GIB, compared
from orchestrator.validate.request import WantedMachine

CONTAINER = json.dumps({"filesystems": [{"source": "overlay", "fstype": "overlay", "size": 100 * GIB}]})


def machine(disk: int, part: int, system: int) -> str:
    """What findmnt and lsblk print: / on the first partition of a disk, beside a boot partition. Sizes in MiB."""
    boot = {"name": "nvme0n1p15", "size": 124 * 1024**2, "type": "part"}
    root = {"name": "nvme0n1p1", "size": part * 1024**2, "type": "part"}
    mounted = {"source": "/dev/nvme0n1p1", "fstype": "ext4", "size": system * 1024**2}
    block: dict[str, Any] = {"name": "nvme0n1", "size": disk * 1024**2, "type": "disk", "children": [root, boot]}
    return json.dumps({"filesystems": [mounted]}, indent=1) + "\n" + json.dumps({"blockdevices": [block]}, indent=1)


GROWN = machine(20480, 20353, 19900)
WANTED = WantedMachine(20, {"/dev/sdf": 2})
THERE = {"/dev/sdf": 2 * GIB}


def test_a_machine_that_is_as_defined_passes() -> None:
    found = compared(WANTED, GROWN, "401", THERE)
    assert (found.passed, found.summary) == (
        True,
        "as defined: root file system, metadata without a token, volume /dev/sdf",
    )


@pytest.mark.parametrize(
    ("root", "metadata", "volumes", "told"),
    [
        (machine(20480, 8065, 7900), "401", THERE, "root file system: 7.7 GiB of a disk of 20 GiB, not all of 20 GiB"),
        (machine(20480, 20353, 7900), "401", THERE, "root file system: 7.7 GiB of a disk of 20 GiB, not all of 20 GiB"),
        (machine(8192, 8065, 7900), "401", THERE, "root file system: 7.7 GiB of a disk of 8 GiB, not all of 20 GiB"),
        (GROWN, "200", THERE, "metadata without a token: 200, not 401"),
        (GROWN, "401", {}, "volume /dev/sdf: no such disk, not 2 GiB"),
        (GROWN, "401", {"/dev/sdf": GIB}, "volume /dev/sdf: 1 GiB, not 2 GiB"),
    ],
    ids=["partition not grown", "file system not grown", "disk too small", "IMDSv1", "no volume", "volume too small"],
)
def test_what_differs_from_the_definition_fails(root: str, metadata: str, volumes: dict[str, int], told: str) -> None:
    found = compared(WANTED, root, metadata, volumes)
    assert (found.passed, found.summary) == (False, told)


def test_what_a_machine_cannot_tell_fails_nothing_and_is_said() -> None:
    """A container's root is on no disk of its own, and a packet filter may keep the metadata service away."""
    found = compared(WantedMachine(20), CONTAINER, "000", {})
    assert found.passed
    assert found.summary == (
        "root file system unknown: overlay is on no disk of the machine's own; metadata without a token no answer"
    )
    assert [each["agrees"] for each in found.evidence] == [None, None]


def test_an_image_without_a_machine_block_is_compared_as_well() -> None:
    assert compared(WantedMachine(), GROWN, "401", {}).passed
    assert not compared(WantedMachine(), machine(20480, 8065, 7900), "401", {}).passed
