"""Permissions of AMIs, as values."""

from __future__ import annotations

import pytest

from orchestrator.lab.accounts.membership import Reader
from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.ec2.images.sharing import EVERYBODY, MOST_ENTITIES, changed

ORGANIZATION = "arn:aws:organizations::123456789012:organization/o-amilab0000"
UNIT = "arn:aws:organizations::123456789012:ou/o-amilab0000/ou-ami0-0a1b2c3d"
READER = Reader("222222222222", ORGANIZATION, frozenset({UNIT}))


@pytest.mark.parametrize(
    ("permission", "expected"),
    [
        ({"UserId": "222222222222"}, True),
        ({"UserId": "333333333333"}, False),
        ({"OrganizationArn": ORGANIZATION}, True),
        ({"OrganizationalUnitArn": UNIT}, True),
        ({"OrganizationalUnitArn": UNIT.replace("0a", "ff")}, False),
        (EVERYBODY, True),
    ],
)
def test_what_an_account_may(permission: dict[str, str], *, expected: bool) -> None:
    assert READER.may([permission]) is expected


def test_what_everybody_gets_does_not_count_when_it_shall_not() -> None:
    assert not READER.may([EVERYBODY], public=False)


def test_an_account_without_an_organisation_gets_nothing_of_one() -> None:
    assert not Reader("222222222222").may([{"OrganizationArn": ORGANIZATION}])


def test_changes_keep_the_order_and_nothing_twice() -> None:
    one, two, three = ({"UserId": str(number) * 12} for number in (1, 2, 3))
    assert changed([one, two], [two, three, three], [one]) == [two, three]


def test_entities_are_counted_and_everybody_is_not() -> None:
    full = [{"UserId": str(100_000_000_000 + number)} for number in range(MOST_ENTITIES)]
    assert len(changed(full, [EVERYBODY], [])) == MOST_ENTITIES + 1
    with pytest.raises(AwsFault, match="ResourceLimitExceeded"):
        changed(full, [{"UserId": "999999999999"}], [])


@pytest.mark.parametrize(
    "wrong", [{"UserId": "1"}, {"Group": "some"}, {"OrganizationArn": "arn:aws:organizations::1:organization/o-1"}]
)
def test_a_permission_of_the_wrong_form_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(AwsFault, match="InvalidAMIAttributeItemValue"):
        changed([], [wrong], [])


def test_an_organisation_that_nobody_has_is_refused() -> None:
    with pytest.raises(AwsFault, match="InvalidParameterValue"):
        changed([], [{"OrganizationArn": ORGANIZATION.replace("amilab", "absent")}], [])
