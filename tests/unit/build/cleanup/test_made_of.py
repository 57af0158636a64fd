"""What tells that an AMI or a snapshot is a build's: texts of EC2 and of Packer."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest

from orchestrator.build.cleanup.made_of import Origin, descriptions, is_half_made, is_intermediary, origin_of

CREATED = "Created by CreateImage(i-0a1b2c3d4e5f60718) for ami-0123456789abcdef0"
COPIED = "Copied for DestinationAmi ami-0c from SourceAmi ami-0d for SourceSnapshot snap-0e. Task created on 1,613."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CREATED, Origin("i-0a1b2c3d4e5f60718", "ami-0123456789abcdef0")),
        (f"{CREATED} from vol-1", Origin("i-0a1b2c3d4e5f60718", "ami-0123456789abcdef0")),
        (COPIED, Origin(image="ami-0c")),
        (f"[{COPIED}]", Origin(image="ami-0c")),
        ("nightly backup", Origin()),
        ("", Origin()),
    ],
)
def test_origin_of_when_ec2_describes_a_snapshot(text: str, expected: Origin) -> None:
    """The machine and the AMI are read; of another text nothing is."""
    assert origin_of(text) == expected


@pytest.mark.parametrize(
    ("text", "machines", "images"),
    [
        (CREATED, ["i-0a1b2c3d4e5f60718"], []),
        (CREATED, [], ["ami-0123456789abcdef0"]),
        (COPIED, [], ["ami-0c"]),
        (f"[{COPIED}]", [], ["ami-0c"]),
    ],
)
def test_descriptions_when_they_are_filters(text: str, machines: list[str], images: list[str]) -> None:
    """They match what EC2 writes, and nothing for other ids."""
    assert any(fnmatchcase(text, pattern) for pattern in descriptions(machines=machines, images=images))
    assert not any(fnmatchcase(text, pattern) for pattern in descriptions(machines=["i-1"], images=["ami-0d"]))


def test_is_half_made_when_tags_differ() -> None:
    """The tags of a build without a state; a run's other AMIs are not half-made, and finished ones are not."""
    begun = {"ami:run": "r", "ami:purpose": "build", "ami:image": "web"}
    assert is_half_made(begun)
    assert not is_half_made(begun | {"ami:state": "built"})
    assert not is_half_made(begun | {"ami:purpose": "stack"})
    assert not is_half_made({"ami:purpose": "build"})


@pytest.mark.parametrize("name", ["a1B2c3D", "0000000"])
def test_is_intermediary_when_packer_named_it(name: str) -> None:
    """Seven letters and digits, and no tag at all."""
    assert is_intermediary(name, {})
    assert not is_intermediary(name, {"Name": "mine"})


@pytest.mark.parametrize("name", ["web-1", "rescue", "a1B2c3D4", "a1b-2c3", ""])
def test_is_intermediary_when_a_person_named_it(name: str) -> None:
    """Any other name is not Packer's."""
    assert not is_intermediary(name, {})
