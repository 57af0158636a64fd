"""Kinds of resources: what a row says of EC2 is what EC2's own model says."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from moto import mock_aws

from orchestrator.aws.account import Account
from orchestrator.aws.kinds import EC2_KINDS, KINDS, kind_named
from orchestrator.aws.resource_kind import Ec2Kind, Listing, Removal, state_of

TAG = {"Name": "tag:ami:run", "Values": ["r"]}


@cache
def model() -> Any:
    return botocore.session.Session().get_service_model("ec2")


def operation(name: str) -> Any:
    return model().operation_model("".join(word.capitalize() for word in name.split("_")))


@pytest.mark.parametrize("kind", EC2_KINDS, ids=str)
def test_kind_when_ec2_lists_it(kind: Ec2Kind) -> None:
    """The operation, its list, the id and the parameters are in the model."""
    listing, listed = kind.listing, operation(kind.listing.operation)
    entry = listed.output_shape.members[listing.key].member
    if listing.inside:
        entry = entry.members[listing.inside].member
    assert entry.members[listing.id_field].type_name == "string"
    assert "Tags" in entry.members
    assert {"Filters", *filter(None, [listing.owner])} <= set(listed.input_shape.members)


@pytest.mark.parametrize("kind", EC2_KINDS, ids=str)
def test_kind_when_ec2_removes_it(kind: Ec2Kind) -> None:
    """The operation takes the id, in a list or by itself."""
    parameter = operation(kind.removal.operation).input_shape.members[kind.removal.parameter]
    assert parameter.type_name == ("list" if kind.removal.several else "string")


@pytest.mark.parametrize("kind", EC2_KINDS, ids=str)
def test_kind_when_it_has_states(kind: Ec2Kind) -> None:
    """What counts as going is a state of EC2's."""
    entry = operation(kind.listing.operation).output_shape.members[kind.listing.key].member
    if kind.listing.inside:
        entry = entry.members[kind.listing.inside].member
    state = entry.members.get("State")
    if state is not None and state.type_name == "structure":
        state = state.members["Name"]
    assert kind.going <= set(state.enum if state is not None else ())


def test_kinds_when_they_are_removed() -> None:
    """What uses another thing goes before it, what tells whose others are goes after them, the lease last."""
    assert [kind.name for kind in KINDS] == [
        "instance",
        "AMI",
        "snapshot",
        "volume",
        "launch template",
        "security group",
        "key pair",
        "lease",
    ]
    assert [kind.proof for kind in KINDS] == [False] * 5 + [True] * 3
    assert len({kind.order for kind in KINDS}) == len(KINDS)


def test_kinds_when_they_are_documented() -> None:
    """The table of what a killed run leaves has them all, in their order, with what they cost."""
    page = (Path(__file__).parents[3] / "docs/building.md").read_text(encoding="utf-8")
    assert "| -- | -- |\n" + "".join(f"| {kind} | {kind.cost} |\n" for kind in KINDS) in page


def test_kind_named_when_it_is_shown() -> None:
    """The name that people read leads back to the kind."""
    assert [kind_named(str(kind)) for kind in KINDS] == list(KINDS)
    with pytest.raises(KeyError):
        kind_named("database")


def test_all_when_ec2_answers_in_pages() -> None:
    """Every page is read, of the account's own things, and each group is opened."""
    asked: list[dict[str, Any]] = []

    class Pages:
        def can_paginate(self, operation: str) -> bool:
            return operation == "describe_racks"

        def get_paginator(self, operation: str) -> Any:
            assert operation == "describe_racks"
            return self

        def paginate(self, **arguments: Any) -> list[dict[str, Any]]:
            asked.append(arguments)
            return [{"Racks": [{"Units": [{"UnitId": 1}, {"UnitId": 2}]}]}, {"Racks": [{"Units": [{"UnitId": 3}]}]}]

    listing = Listing(operation="describe_racks", key="Racks", inside="Units", id_field="UnitId", owner="Owners")
    assert [listing.id_of(one) for one in listing.all(Pages(), [TAG], DryRun=False)] == ["1", "2", "3"]
    assert asked == [{"Owners": ["self"], "Filters": [TAG], "DryRun": False}]


def test_all_when_nothing_has_the_tag() -> None:
    """Each kind takes the filter by a tag that finds a run's things."""
    with mock_aws():
        ec2 = Account("us-east-1", access_key="test", secret_key="test").client("ec2")
        assert {kind.name: list(kind.listing.all(ec2, [TAG])) for kind in EC2_KINDS} == {
            kind.name: [] for kind in EC2_KINDS
        }


def test_is_gone_when_the_code_says_so() -> None:
    """Any `.NotFound`, and the codes of the row."""
    removal = Removal(operation="o", parameter="p", gone=frozenset({"InvalidAMIID.Unavailable"}))
    assert removal.is_gone("InvalidVolume.NotFound")
    assert removal.is_gone("InvalidAMIID.Unavailable")
    assert not removal.is_gone("VolumeInUse")


def test_state_of_when_ec2_describes_it() -> None:
    """An instance's state is an object, others' a text; a key pair has none."""
    assert state_of({"State": {"Code": 16, "Name": "running"}}) == "running"
    assert state_of({"State": "available"}) == "available"
    assert state_of({"KeyName": "k"}) == ""
