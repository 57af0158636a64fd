"""A role that is assumed in the lab: what STS gets, and what the role's clients see."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from moto.server import ThreadedMotoServer
from moto.sts.models import sts_backends

from orchestrator.aws.account import Account

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestrator.lab.settings import Settings

RUN = "20261125T004200Z-0a1b2c"
ROLE = "arn:aws:iam::123456789012:role/ami-elsewhere"


@pytest.fixture
def reader(client: Callable[..., Any]) -> Iterator[str]:
    """A role that may read EC2, for whoever of its account has the external id."""
    iam = client("iam")
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": "factory-7"}},
    }
    written = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    made = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=written)["Role"]
    policy = "arn:aws:iam::aws:policy/AmazonEC2ReadOnlyAccess"
    iam.attach_role_policy(RoleName="reader", PolicyArn=policy)
    yield str(made["Arn"])
    iam.detach_role_policy(RoleName="reader", PolicyArn=policy)
    iam.delete_role(RoleName="reader")


def test_account_when_it_assumes_a_role(lab: Settings, reader: str, calls: Callable[[], dict[str, int]]) -> None:
    """One session with the run's name, at the lab's endpoint, for two regions."""
    account = Account("us-east-1", endpoint=lab.endpoint, access_key="lab", secret_key="lab")
    before = calls().get("sts:AssumeRole", 0)
    images = account.assuming(reader, run=RUN, external_id="factory-7")
    arn = images.client("sts").get_caller_identity()["Arn"]
    assert arn == f"arn:aws:sts::123456789012:assumed-role/reader/ami-{RUN}"
    assert images.in_region("eu-west-1").client("ec2").describe_key_pairs()["KeyPairs"] == []
    assert calls()["sts:AssumeRole"] - before == 1


def test_account_when_a_role_asks_for_an_external_id() -> None:
    """STS gets the run's name and the external id. A server of the test's own shows what it got."""
    sts_backends.reset()
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        _, port = server.get_host_and_port()
        account = Account("us-east-1", endpoint=f"http://127.0.0.1:{port}", access_key="lab", secret_key="lab")
        account.assuming(ROLE, run=RUN, external_id="factory-7").client("sts").get_caller_identity()
    finally:
        server.stop()
    every = (backend for regions in sts_backends.values() for backend in regions.values())
    known = [role for backend in every for role in backend.assumed_roles]
    assert [(one.session_name, one.external_id) for one in known] == [(f"ami-{RUN}", "factory-7")]
