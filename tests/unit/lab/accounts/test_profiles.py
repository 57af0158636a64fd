"""What people and tools need to become one of the accounts."""

from __future__ import annotations

import configparser

from orchestrator.lab.accounts.organisation import FIRST, AccountRole, LabAccount, Organisation, numbered
from orchestrator.lab.accounts.profiles import profiles
from orchestrator.lab.lifecycle import exports
from orchestrator.lab.settings import Settings

ENDPOINT = "http://127.0.0.1:4999"


def test_profiles_when_an_account_has_a_role_with_an_external_id() -> None:
    role = AccountRole("promote", FIRST, "factory-7")
    member = LabAccount("111111111111", "prod", "", (role,))
    file = configparser.ConfigParser()
    file.read_string(profiles(Organisation((LabAccount(FIRST, "images"), member)), ENDPOINT))
    assert file.sections() == [f"profile {name}" for name in ("images", "prod", "prod-access", "prod-promote")]
    assert dict(file["profile prod-promote"]) == {
        "region": "us-east-1",
        "endpoint_url": ENDPOINT,
        "role_arn": "arn:aws:iam::111111111111:role/promote",
        "source_profile": "images",
        "external_id": "factory-7",
    }
    assert file["profile prod"]["aws_access_key_id"] == member.key_id


def test_exports_when_there_are_members() -> None:
    """A profile, and no keys: those of the environment would be stronger than AWS_PROFILE."""
    told = exports(Settings("one", 4999, 0.0, 0.0, organisation=numbered(2)))
    assert told["AWS_PROFILE"] == "management"
    assert "AWS_ACCESS_KEY_ID" not in told
    assert "AWS_ACCESS_KEY_ID" in exports(Settings("one", 4999, 0.0, 0.0))
