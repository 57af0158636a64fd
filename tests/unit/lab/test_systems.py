from __future__ import annotations

import json
from fnmatch import fnmatchcase
from ipaddress import IPv4Network

import pytest

from orchestrator.errors import UsageError
from orchestrator.lab.system_door import SystemDoor, public_image
from orchestrator.lab.systems import SYSTEMS, named
from orchestrator.lab.tables import Tables


@pytest.mark.parametrize(
    ("name", "pattern", "architecture"),
    [
        ("debian-12", "debian-12-amd64-*", "x86_64"),
        ("debian-13", "debian-13-amd64-*", "x86_64"),
        ("debian-12-arm64", "debian-12-arm64-*", "arm64"),
        ("debian-13-arm64", "debian-13-arm64-*", "arm64"),
    ],
)
def test_an_ami_is_found_by_the_filter_that_finds_debians_own(name: str, pattern: str, architecture: str) -> None:
    image = public_image(named(name), "disk", "20260102", 42)
    assert fnmatchcase(image.name, pattern)
    assert (image.architecture, image.owner) == (architecture, "136693071363")


def test_each_system_and_region_has_an_ami_of_its_own() -> None:
    images = [public_image(system, "disk", "20260102", 42) for system in SYSTEMS.values()]
    ids = {image.id_in(region) for image in images for region in ("us-east-1", "eu-west-1")}
    assert len(ids) == 2 * len(SYSTEMS)


def test_an_unknown_system_is_told_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"no system 'debian13' \(did you mean 'debian-13'\?\)"):
        named("debian13")


@pytest.mark.parametrize("body", [b"[]", b"{", b"{}", json.dumps({"name": "x"}).encode(), b'{"of": 1}'])
def test_the_door_refuses_what_is_no_system(body: bytes) -> None:
    door = SystemDoor(Tables(IPv4Network("10.0.0.0/24")))
    status, told = door("POST", body)
    assert status == 400
    assert told["error"]
    assert door("GET", b"") == (200, [])
