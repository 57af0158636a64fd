"""The accounts of a lab as values."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
from moto.iam.utils import generate_access_key_id_from_account_id

from orchestrator.errors import UsageError
from orchestrator.lab.accounts.organisation import FIRST, AccountRole, LabAccount, Organisation, numbered, of_json


def test_organisation_when_nobody_asks_for_one() -> None:
    assert [account.account_id for account in Organisation().accounts] == [FIRST]
    assert (Organisation().units, Organisation().members) == ((), ())


def test_numbered_when_it_is_three() -> None:
    three = numbered(3)
    assert [account.account_id for account in three.members] == ["111111111111", "222222222222"]
    assert three.units == ("workloads", "workloads/development", "workloads/production")
    assert three.accounts[1].bucket == "ami-lab-artifacts-111111111111"


@pytest.mark.parametrize("count", [0, 11])
def test_numbered_when_there_cannot_be_so_many(count: int) -> None:
    with pytest.raises(UsageError):
        numbered(count)


@pytest.mark.parametrize("account", [FIRST, "111111111111", "000000000001", "999999999998"])
def test_key_id_when_an_account_is_coded_into_it(account: str) -> None:
    """The first nine characters after the prefix tell the account, as moto and AWS write it; one of them is drawn."""
    ours, theirs = LabAccount(account, "x").key_id, generate_access_key_id_from_account_id(account, "AKIA")
    assert (len(ours), ours[:12]) == (20, theirs[:12])
    assert (ours[12] > "P" or ours[12].isdigit()) == bool(int(account) % 2)


def test_of_json_when_it_was_written() -> None:
    roles = (AccountRole("promote", FIRST, "factory", ("ReadOnlyAccess",)),)
    written = Organisation((LabAccount(FIRST, "images"), LabAccount("1" * 12, "prod", "a/b", roles)))
    assert of_json(json.loads(json.dumps(asdict(written)))) == written
