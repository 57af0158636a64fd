"""What is known of the ways to a machine before there is one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator.aws.account import Account
from orchestrator.aws.placement import Placement
from orchestrator.errors import AmiError, LackError, UsageError
from orchestrator.validate.machine.connection import check, connection_of
from orchestrator.validate.machine.over_ssh import address_of
from orchestrator.validate.machine.ssh import Login
from orchestrator.validate.options import ConnectionKind
from orchestrator.validate.request import ONLINE_TIMEOUT, ImageFacts, ValidateRequest

FOUND = {
    "PublicIpAddress": "54.0.0.1",
    "PrivateIpAddress": "10.0.0.1",
    "PublicDnsName": "",
    "PrivateDnsName": "ip-10-0-0-1.ec2.internal",
}
PRIVATE = {"PrivateIpAddress": "10.0.0.1"}


@pytest.mark.parametrize(
    ("interface", "found", "address"),
    [
        ("", FOUND, "54.0.0.1"),
        ("", PRIVATE, "10.0.0.1"),
        ("private_ip", FOUND, "10.0.0.1"),
        ("public_ip", FOUND, "54.0.0.1"),
        ("public_ip", PRIVATE, ""),
        ("public_dns", FOUND, ""),
        ("private_dns", FOUND, "ip-10-0-0-1.ec2.internal"),
        ("", {}, ""),
    ],
)
def test_address_when_the_environment_names_an_interface(interface: str, found: dict[str, Any], address: str) -> None:
    assert address_of(found, interface) == address


@pytest.mark.parametrize(
    ("connection", "endpoint", "interface", "error"),
    [
        (ConnectionKind.PODMAN, "", "", UsageError),
        (ConnectionKind.SSH, "", "session_manager", LackError),
    ],
)
def test_connection_when_it_cannot_be_had(
    connection: ConnectionKind, endpoint: str, interface: str, error: type[AmiError]
) -> None:
    """It is told before anything is made."""
    with pytest.raises(error):
        check(connection, Account("eu-west-1", endpoint=endpoint), interface)


@pytest.mark.parametrize("connection", ConnectionKind)
def test_connection_when_it_can_be_had(connection: ConnectionKind) -> None:
    check(connection, Account("eu-west-1", endpoint="http://127.0.0.1:4999"), "private_ip")


def test_connection_when_ssh_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(LackError, match="'ssh' is not installed"):
        check(ConnectionKind.SSH, Account("eu-west-1"))


def test_login_when_its_words_are_read(tmp_path: Path) -> None:
    """A host key that changes is refused, and no key but the machine's own is offered."""
    argv = Login("admin", "10.0.0.1", Path("/k"), tmp_path).argv
    for setting in ("StrictHostKeyChecking=accept-new", "IdentitiesOnly=yes", "BatchMode=yes", "ForwardAgent=no"):
        assert setting in argv


@pytest.mark.parametrize(
    ("connection", "waited", "said"),
    [
        (ConnectionKind.SSM, 12, "waiting for the SSM agent of i-1"),
        (
            ConnectionKind.SSM,
            125,
            "waiting for the SSM agent of i-1 since 120 s: it tries again 5 min after a refused call",
        ),
        (ConnectionKind.SSH, 59.9, "waiting for SSH on i-1 since 30 s"),
        (ConnectionKind.PODMAN, 3, "waiting for the container of i-1"),
    ],
)
def test_what_is_awaited_is_told_with_the_time_that_it_has_taken(
    connection: ConnectionKind, waited: float, said: str, tmp_path: Path
) -> None:
    request = ValidateRequest(
        account=Account("eu-west-1", endpoint="http://127.0.0.1:1", access_key="key", secret_key="secret"),
        ami_id="ami-1",
        image=ImageFacts("web", "v1", (), ()),
        tests=(),
        run="run-1",
        folder=tmp_path,
        placement=Placement((("t3.small", ""),)),
        connection=connection,
    )
    assert connection_of(request).awaited("i-1", waited) == said


def test_an_agent_has_time_for_a_refused_call_and_a_second_start() -> None:
    assert ONLINE_TIMEOUT > 309 + 90
