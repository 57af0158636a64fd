"""The credentials of a machine's role."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from moto.iam.models import iam_backends

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.api.call import Call
from orchestrator.lab.imds.role_session import credentials_of
from orchestrator.lab.rights.callers import identity_of
from orchestrator.lab.rights.guard import RightsGuard
from orchestrator.lab.rights.used_rights import UsedRights
from orchestrator.lab.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Iterator

ACCOUNT, NAME = "123456789012", "of-machines"
MAY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ec2messages:*", "Resource": "*"}]}


@pytest.fixture
def role() -> Iterator[Any]:
    """A role that may get messages, and nothing else."""
    iam = iam_backends[ACCOUNT]["aws"]
    yield iam.create_role(NAME, "{}", "/", None, "", [], "3600")
    iam.delete_role_policy(NAME, "messages")
    iam.delete_role(NAME)


@pytest.fixture
def machine(role: Any) -> Any:
    iam_backends[ACCOUNT]["aws"].put_role_policy(role.name, "messages", json.dumps(MAY))
    return SimpleNamespace(id="i-1", region_name="us-east-1", owner_id=ACCOUNT)


def test_a_machine_keeps_its_credentials_until_shortly_before_their_end(machine: Any, role: Any) -> None:
    first = credentials_of(machine, role)
    assert credentials_of(machine, role) == first
    machine.role_session.expiration = datetime.now(UTC) + timedelta(minutes=29)
    assert credentials_of(machine, role).key_id != first.key_id


def test_who_calls_with_them_is_the_machine_in_the_role(machine: Any, role: Any) -> None:
    caller = identity_of(credentials_of(machine, role).key_id).caller
    assert caller.account == ACCOUNT
    assert caller.session == f"arn:aws:sts::{ACCOUNT}:assumed-role/{NAME}/i-1"


def test_the_roles_policies_count(machine: Any, role: Any) -> None:
    """On AWS an agent whose role lacks AmazonSSMManagedInstanceCore never comes online."""
    key = credentials_of(machine, role).key_id
    guard = RightsGuard(Tables(IPv4Network("10.0.0.0/24")), UsedRights(), enforced=True)
    guard(Call("ec2messages", "us-east-1", "GetMessages", key=key), b"{}", {})
    with pytest.raises(AwsFault, match="ssm:UpdateInstanceInformation"):
        guard(Call("ssm", "us-east-1", "UpdateInstanceInformation", key=key), b"{}", {})
