"""Roles that accounts assume, and credentials that are renewed: against moto's STS, with a clock that is set."""

from __future__ import annotations

import doctest
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws
from moto.sts.models import sts_backends

from orchestrator import masks
from orchestrator.aws import role
from orchestrator.aws.account import Account
from orchestrator.aws.role import AssumedRole, refreshing, session_name

if TYPE_CHECKING:
    from collections.abc import Iterator

RUN = "20261125T004200Z-0a1b2c"
OURS, THEIRS = "123456789012", "210987654321"
IMAGES = f"arn:aws:iam::{THEIRS}:role/images"
NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@pytest.fixture
def account() -> Iterator[Account]:
    with mock_aws():
        yield Account("us-east-1", access_key="test", secret_key="test")


def sessions(owner: str = THEIRS) -> list[tuple[str, str, str | None]]:
    """The role, the session's name and the external id of each AssumeRole that STS has answered."""
    return [(one.role_arn, one.session_name, one.external_id) for one in sts_backends[owner]["aws"].assumed_roles]


def test_account_when_it_assumes_a_role(account: Account) -> None:
    """Calls are made as the role; STS gets the run as the session's name, and the external id."""
    images = account.assuming(IMAGES, run=RUN, external_id="factory-7")
    images.client("ec2")
    assert sessions() == []
    arn = images.client("sts").get_caller_identity()["Arn"]
    assert arn == f"arn:aws:sts::{THEIRS}:assumed-role/images/ami-{RUN}"
    assert sessions() == [(IMAGES, f"ami-{RUN}", "factory-7")]
    assert account.client("sts").get_caller_identity()["Account"] == OURS


def test_account_when_a_role_asks_for_no_external_id(account: Account) -> None:
    """None is sent."""
    account.assuming(IMAGES, run=RUN).client("ec2").describe_key_pairs()
    assert sessions() == [(IMAGES, f"ami-{RUN}", None)]


def test_account_when_it_is_in_several_regions(account: Account) -> None:
    """One session serves all of them, and all their threads."""
    images = account.assuming(IMAGES, run=RUN)
    regions = ["us-east-1", "eu-west-1", "ap-south-1"] * 4
    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(lambda region: images.in_region(region).client("ec2").describe_key_pairs(), regions))
    assert [answer["KeyPairs"] for answer in found] == [[]] * 12
    assert len(sessions()) == 1


def test_account_when_a_role_assumes_another(account: Account) -> None:
    """The second role is assumed with the credentials of the first."""
    other = "arn:aws:iam::333333333333:role/release"
    release = account.assuming(IMAGES, run=RUN).assuming(other, run=RUN, external_id="release-7")
    assert release.client("sts").get_caller_identity()["Account"] == "333333333333"
    assert sessions() == [(IMAGES, f"ami-{RUN}", None)]
    assert sessions("333333333333") == [(other, f"ami-{RUN}", "release-7")]


def test_account_when_it_is_of_a_lab() -> None:
    """The endpoint is kept, for the role's clients and in other regions."""
    lab = Account("us-east-1", endpoint="http://127.0.0.1:4", access_key="lab", secret_key="lab")
    images = lab.assuming(IMAGES, run=RUN).in_region("eu-west-1")
    assert images.client("ec2").meta.endpoint_url == lab.endpoint
    assert (images.region, images.client("ec2").meta.region_name) == ("eu-west-1", "eu-west-1")


def test_account_when_the_shell_has_credentials(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """The role counts, whoever the shell is, and a profile that is not there does not matter."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIASHELL")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "shell")
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    images = account.assuming(IMAGES, run=RUN)
    assert images.client("sts").get_caller_identity()["Account"] == THEIRS


def test_account_when_it_stays_in_its_region(account: Account) -> None:
    """It is the same account, with its clients."""
    assert account.in_region("us-east-1") is account
    assert account.in_region("eu-west-1") == Account("eu-west-1", access_key="test", secret_key="test")


def test_account_when_the_role_gives_secrets(account: Account) -> None:
    """They are hidden as soon as they are there."""
    images = account.assuming(IMAGES, run=RUN)
    secret, token = images.secrets
    hidden = masks.hide(f"the key is {secret}, the token {token}.")
    assert secret not in hidden
    assert token not in hidden


@given(st.text(max_size=200))
def test_session_name_when_a_run_is_called_anything(run: str) -> None:
    """STS takes it: 2 to 64 characters of these (STS API Reference, AssumeRole)."""
    assert re.fullmatch(r"[A-Za-z0-9_+=,.@-]{2,64}", session_name(run))


@dataclass
class Sts:
    """Gives credentials for an hour of a clock that is set, and counts them. `fails`: it refuses."""

    now: datetime = NOON
    given: Iterator[int] = field(default_factory=lambda: count(1))
    fails: bool = False
    asked: int = 0

    def assume(self) -> dict[str, str]:
        self.asked += 1
        if self.fails:
            raise ClientError({"Error": {"Code": "Throttling"}}, "AssumeRole")
        number, expires = next(self.given), self.now + timedelta(hours=1)
        return {"access_key": f"k{number}", "secret_key": "s", "token": "t", "expiry_time": expires.isoformat()}


@pytest.mark.parametrize(("minutes", "key"), [(0, "k1"), (44, "k1"), (46, "k2"), (59, "k2"), (180, "k2")])
def test_credentials_when_time_passes(minutes: int, key: str) -> None:
    """They are renewed from 15 minutes before their end on, and not earlier."""
    sts = Sts()
    credentials = refreshing(sts.assume, now=lambda: sts.now)
    assert sts.asked == 0
    assert credentials.get_frozen_credentials().access_key == "k1"
    sts.now += timedelta(minutes=minutes)
    assert credentials.get_frozen_credentials().access_key == key
    assert credentials.get_frozen_credentials().access_key == key
    assert sts.asked == int(key[1:])


def test_credentials_when_they_cannot_be_renewed() -> None:
    """The old ones do for a while; in their last 10 minutes the error is the caller's. Then it works again."""
    sts = Sts()
    credentials = refreshing(sts.assume, now=lambda: sts.now)
    credentials.get_frozen_credentials()
    sts.fails = True
    sts.now += timedelta(minutes=46)
    assert credentials.get_frozen_credentials().access_key == "k1"
    sts.now += timedelta(minutes=5)
    with pytest.raises(ClientError):
        credentials.get_frozen_credentials()
    sts.fails = False
    assert credentials.get_frozen_credentials().access_key == "k2"


def test_credentials_when_many_threads_use_them() -> None:
    """One of them renews, the others get what it got, and none signs with old ones."""
    sts, begin = Sts(), threading.Barrier(16)
    credentials = refreshing(sts.assume, now=lambda: sts.now)
    credentials.get_frozen_credentials()
    sts.now += timedelta(minutes=59)

    def use(_: int) -> str:
        begin.wait()
        return str(credentials.get_frozen_credentials().access_key)

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(use, range(16))) == {"k2"}
    assert sts.asked == 2


def test_credentials_when_they_come_from_sts(account: Account) -> None:
    """What STS answers is what botocore's credentials need: they are renewed by a second session."""
    clock = [datetime.now(UTC)]
    assumed = AssumedRole(account, IMAGES, session_name(RUN))
    credentials = refreshing(assumed.assume, now=lambda: clock[0])
    first = credentials.get_frozen_credentials()
    clock[0] += timedelta(minutes=44)
    assert credentials.get_frozen_credentials() == first
    clock[0] += timedelta(minutes=2)
    assert credentials.get_frozen_credentials() != first
    assert len(sessions()) == 2


def test_examples_when_run() -> None:
    """They are true."""
    assert doctest.testmod(role).failed == 0
