"""Tags <-> versions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.registry import TAGS, State, version_of

TAGGED = {
    "ami:image": "web",
    "ami:version": "20261123T235522Z-1a2b3c4d",
    "ami:fingerprint": "1a2b3c4d" * 8,
    "ami:state": "validated",
    "ami:layers": "base hardening agents workload",
    "ami:parent": "ami-0123",
    "ami:run": "r1",
}


def described(tags: dict[str, str]) -> dict[str, object]:
    return {
        "ImageId": "ami-9",
        "Name": "web-1",
        "CreationDate": "2026-11-23T23:55:22.000Z",
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }


def test_version_of_when_tags_are_ours() -> None:
    """Every field is read from its tag."""
    version = version_of(described(TAGGED), "us-east-1")
    assert version is not None
    assert (version.image, version.state, version.layers, version.parent, version.ami_id, version.region) == (
        "web",
        State.VALIDATED,
        ("base", "hardening", "agents", "workload"),
        "ami-0123",
        "ami-9",
        "us-east-1",
    )


def test_version_of_when_state_is_unknown() -> None:
    """An AMI whose state this factory does not know is left alone."""
    assert version_of(described(TAGGED | {"ami:state": "blessed"}), "us-east-1") is None


@given(st.dictionaries(st.sampled_from(sorted(TAGS.values())), st.text(max_size=20)))
def test_version_of_when_tags_are_any(tags: dict[str, str]) -> None:
    """Foreign tags never raise, and only an AMI with an image and a known state is a version."""
    version = version_of(described(tags), "us-east-1")
    expected = bool(tags.get("ami:image")) and tags.get("ami:state") in set(State)
    assert (version is not None) == expected
