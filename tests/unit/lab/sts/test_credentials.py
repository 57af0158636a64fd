"""Which credentials are good, of sessions and keys in moto's tables."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.api.call import Call, Protocol
from orchestrator.lab.sts.credentials import CredentialsGuard
from orchestrator.lab.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Iterator

ACCOUNT = "111122223333"
ARN = f"arn:aws:iam::{ACCOUNT}:role/build"


@pytest.fixture
def session() -> Iterator[Any]:
    yield sts_backends[ACCOUNT]["aws"].assume_role("us-east-1", "run-1", ARN, "", 900, "")
    iam_backends.reset()
    sts_backends.reset()


def look(key: str, token: str = "", protocol: Protocol = Protocol.JSON) -> None:
    """Let the guard look at a call that is signed with this key."""
    guard = CredentialsGuard(Tables(ipaddress.IPv4Network("10.88.0.0/24")))
    guard(Call("ssm", "us-east-1", "GetParameter", protocol, key), b"", {"HTTP_X_AMZ_SECURITY_TOKEN": token})


def test_guard_when_nobody_made_the_key() -> None:
    look("test")


def test_guard_when_a_session_brings_its_token(session: Any) -> None:
    look(session.access_key_id, session.session_token)


@pytest.mark.parametrize("token", ["", "another"])
def test_guard_when_a_session_does_not(session: Any, token: str) -> None:
    with pytest.raises(AwsFault, match="UnrecognizedClientException"):
        look(session.access_key_id, token)


@pytest.mark.parametrize(
    ("protocol", "code"),
    [
        (Protocol.JSON, "ExpiredTokenException"),
        (Protocol.QUERY, "ExpiredToken"),
        (Protocol.S3, "ExpiredToken"),
        (Protocol.EC2, "RequestExpired"),
    ],
)
@pytest.mark.parametrize("attribute", ["expiration", "expires_early"])
def test_guard_when_a_session_has_expired(session: Any, protocol: Protocol, code: str, attribute: str) -> None:
    setattr(session, attribute, datetime.now(UTC) - timedelta(seconds=1))
    with pytest.raises(AwsFault, match=f"^{code}:"):
        look(session.access_key_id, session.session_token, protocol)


def test_guard_when_a_key_is_inactive(session: Any) -> None:
    iam_backends[ACCOUNT]["aws"].access_keys[session.access_key_id].status = "Inactive"
    with pytest.raises(AwsFault, match="AuthFailure"):
        look(session.access_key_id, session.session_token, Protocol.EC2)
