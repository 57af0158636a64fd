"""Which credentials are good: keys that are active, sessions that have not expired and bring their token.

Source: STS API Reference, "Common Errors"; Amazon EC2 API Reference, "Error codes"; Amazon S3 API Reference, "Error
responses".
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from moto.iam.models import get_account_id_from, iam_backends

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.api.call import Protocol
from orchestrator.lab.api.faults import expired
from orchestrator.lab.rights.callers import session_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.lab.api.call import Call
    from orchestrator.lab.tables import Tables

_FORBIDDEN = 403
_INVALID = "The security token included in the request is invalid."


def invalid(protocol: Protocol) -> AwsFault:
    """What a service says to a key that is not in use, or to a session without its token."""
    match protocol:
        case Protocol.EC2:
            what = "AWS was not able to validate the provided access credentials"
            return AwsFault("AuthFailure", what, 401)
        case Protocol.S3:
            what = "The AWS Access Key Id you provided does not exist in our records."
            return AwsFault("InvalidAccessKeyId", what, _FORBIDDEN)
        case Protocol.QUERY:
            return AwsFault("InvalidClientTokenId", _INVALID, _FORBIDDEN)
        case Protocol.JSON:
            return AwsFault("UnrecognizedClientException", _INVALID)


class CredentialsGuard:
    """Looks at the credentials of each call. A key that nobody made is good: the first account takes any."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def __call__(self, call: Call, _body: bytes, environ: Mapping[str, Any]) -> None:
        """Raise AwsFault for credentials that are not good."""
        with self._tables.lock:
            key = iam_backends[get_account_id_from(call.key)]["aws"].access_keys.get(call.key)
            session = session_of(call.key)
        if key is not None and key.status != "Active":
            raise invalid(call.protocol)
        if session is None:
            return
        if _token(environ) != session.session_token:
            raise invalid(call.protocol)
        if datetime.now(UTC) >= ends(session):
            raise expired(call.protocol)


def ends(session: Any) -> datetime:
    """When the credentials of a session are no longer good: as was said, or sooner when a fault wants it."""
    early: datetime | None = getattr(session, "expires_early", None)
    said: datetime = session.expiration
    said = said if said.tzinfo else said.replace(tzinfo=UTC)
    return min(said, early) if early is not None else said


def _token(environ: Mapping[str, Any]) -> str:
    header = str(environ.get("HTTP_X_AMZ_SECURITY_TOKEN", ""))
    return header or parse_qs(str(environ.get("QUERY_STRING", ""))).get("X-Amz-Security-Token", [""])[0]
