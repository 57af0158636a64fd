"""Tags <-> versions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from orchestrator.aws.account import Account
from orchestrator.errors import UsageError
from orchestrator.registry import TAGS, State, counted, find, lacks_state, version_of, versions
from tests.unit.amazon_ami import AMAZON_AMI

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
    assert (version.image, version.state, version.layers, version.parent, version.ami_id, version.copy.region) == (
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


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"ami:run": "r", "ami:purpose": "build"}, True),
        ({"ami:image": "web"}, True),
        ({"ami:run": "r", "ami:state": "built"}, False),
        ({"ami:run": "r", "ami:state": "blessed"}, False),
        ({"Name": "by hand"}, False),
        ({}, False),
    ],
)
def test_lacks_state_when_tags_are_ours_or_not(tags: dict[str, str], *, expected: bool) -> None:
    """An AMI of ours without a state; others' AMIs lack none."""
    assert lacks_state(tags) == expected


def test_find_when_no_build_finished_the_ami() -> None:
    """It is no version, in lists neither, and the refusal says what it is."""
    account = Account("us-east-1", access_key="test", secret_key="test")
    with mock_aws():
        ec2 = account.client("ec2")
        (machine,) = ec2.run_instances(ImageId=AMAZON_AMI, MinCount=1, MaxCount=1)["Instances"]
        half = str(ec2.create_image(InstanceId=machine["InstanceId"], Name="web-1")["ImageId"])
        made = {"ami:run": "r", "ami:image": "web", "ami:purpose": "build", "ami:fingerprint": "f"}
        ec2.create_tags(Resources=[half], Tags=[{"Key": key, "Value": value} for key, value in made.items()])
        with pytest.raises(UsageError, match=f"{half} is unproven: no build finished it"):
            find(account, half)
        assert versions(account) == versions(account, image="web") == ()


@given(st.dictionaries(st.sampled_from(sorted(TAGS.values())), st.text(max_size=20)))
def test_version_of_when_tags_are_any(tags: dict[str, str]) -> None:
    """Foreign tags never raise, and only an AMI with an image and a known state is a version."""
    version = version_of(described(tags), "us-east-1")
    expected = bool(tags.get("ami:image")) and tags.get("ami:state") in set(State)
    assert (version is not None) == expected


def test_as_json_when_a_version_has_a_copy() -> None:
    """One object: what is said of the version, and of the AMI that was asked for."""
    disk = {"Ebs": {"SnapshotId": "snap-1", "Encrypted": True}}
    image = described(TAGGED) | {"OwnerId": "123456789012", "State": "available", "BlockDeviceMappings": [disk]}
    version = version_of(image, "us-east-1")
    assert version is not None
    fields = version.as_json()
    expected = {
        "ami_id": "ami-9",
        "account": "123456789012",
        "region": "us-east-1",
        "ami_name": "web-1",
        "created": "2026-11-23T23:55:22.000Z",
        "encrypted": True,
        "ec2_state": "available",
    }
    assert {key: value for key, value in fields.items() if key in expected} == expected
    assert (fields["image"], fields["state"], "copies" in fields) == ("web", "validated", False)


@pytest.mark.parametrize(
    ("tagged", "availability", "expected"),
    [
        ("validated", "available", State.VALIDATED),
        ("validated", "disabled", State.DISABLED),
        ("revoked", "disabled", State.REVOKED),
        ("disabled", "available", State.DISABLED),
    ],
)
def test_state_when_ec2_has_one_too(tagged: str, availability: str, expected: State) -> None:
    """What EC2 does not launch is disabled; what was revoked stays so."""
    version = version_of(described(TAGGED | {"ami:state": tagged}) | {"State": availability}, "us-east-1")
    assert version is not None
    assert version.state is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("passed=41 failed=0", {"passed": 41, "failed": 0}), ("", {}), ("passed=x failed=1 of", {"failed": 1})],
)
def test_counted_when_a_tag_says_anything(text: str, expected: dict[str, int]) -> None:
    """Numbers for programs; what is no number is left out."""
    assert counted(text) == expected
