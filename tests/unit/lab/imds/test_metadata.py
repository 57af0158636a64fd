from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.lab.imds.metadata import MetadataClient, Tokens, look_up, seconds_asked

CALLER = MetadataClient(
    instance_id="i-1",
    image_id="ami-1",
    instance_type="t3.small",
    region="eu-west-1",
    zone="eu-west-1a",
    account="123456789012",
    private_ip="10.89.0.7",
    private_dns="ip-10-89-0-7.eu-west-1.compute.internal",
    mac="02:00:00:00:00:07",
    launched="2026-01-02T03:04:05Z",
    reservation_id="r-1",
)


def test_a_folder_lists_what_is_in_it() -> None:
    assert look_up(CALLER, "/latest/meta-data/placement/") == b"availability-zone\nregion"
    assert b"placement/" in (look_up(CALLER, "/latest/meta-data") or b"").split(b"\n")


@pytest.mark.parametrize("version", ["latest", "2021-03-23", "2009-04-04", "1.0"])
def test_every_version_is_answered(version: str) -> None:
    assert look_up(CALLER, f"/{version}/meta-data/instance-id") == b"i-1"


@pytest.mark.parametrize(
    "path",
    ["/", "/newest/meta-data", "/latest/meta-data/none", "/latest/meta-data/instance-id/more", "/latest/user-data"],
)
def test_nothing_is_there(path: str) -> None:
    assert look_up(CALLER, path) is None


def test_keys_are_listed_by_number_and_name() -> None:
    caller = replace(CALLER, key_name="mine", public_key="ssh-ed25519 AAAA")
    assert look_up(caller, "/latest/meta-data/public-keys/") == b"0=mine"
    assert look_up(caller, "/latest/meta-data/public-keys/0/openssh-key") == b"ssh-ed25519 AAAA\n"


def test_a_launch_without_key_or_profile_has_neither() -> None:
    listed = (look_up(CALLER, "/latest/meta-data/") or b"").decode().split("\n")
    assert not {"public-keys/", "iam/", "tags/"} & set(listed)


def test_a_profile_without_a_role_gives_no_credentials() -> None:
    caller = replace(CALLER, profile_arn="arn:aws:iam::123456789012:instance-profile/p", profile_id="AIPA1")
    assert look_up(caller, "/latest/meta-data/iam/security-credentials/") is None
    assert json.loads(look_up(caller, "/latest/meta-data/iam/info") or b"")["InstanceProfileId"] == "AIPA1"


def test_user_data_is_given_byte_for_byte() -> None:
    assert look_up(replace(CALLER, user_data=b"\x00\xff"), "/latest/user-data") == b"\x00\xff"


@given(st.text())
def test_no_path_breaks_the_service(path: str) -> None:
    found = look_up(CALLER, path)
    assert found is None or isinstance(found, bytes)


def test_a_token_is_good_for_the_machine_that_asked() -> None:
    tokens = Tokens()
    token = tokens.issue("i-1", 60)
    assert tokens.good("i-1", token)
    assert not tokens.good("i-2", token)
    assert not tokens.good("i-1", "")


def test_a_token_expires() -> None:
    tokens = Tokens()
    assert not tokens.good("i-1", tokens.issue("i-1", 0))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("1", 1), ("21600", 21600), ("21601", None), ("0", None), ("-1", None), ("x", None), ("²", None), (None, None)],
)
def test_life_of_a_token(value: str | None, seconds: int | None) -> None:
    assert seconds_asked(value) == seconds
