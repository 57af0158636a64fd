"""The session of a role that may be assumed: its record in moto's tables, and what the caller gets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from moto.sts.models import sts_backends

from orchestrator.lab.rights.need import tags_of

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked


def opened_session(asked: Asked, account: str, seconds: int, policies: tuple[str, ...]) -> dict[str, Any]:
    """Credentials of the role that a call names, in the tables of `account`, restricted by documents of policies."""
    given = asked.parameters
    session: Any = sts_backends[account]["aws"].assume_role(
        region_name=asked.region,
        role_session_name=given["RoleSessionName"],
        role_arn=str(given["RoleArn"]),
        policy=str(given.get("Policy") or ""),
        duration=seconds,
        external_id=str(given.get("ExternalId") or ""),
    )
    now = datetime.now(UTC)
    session.tags = tags_of(given.get("Tags"))
    session.policies = policies
    session.issued = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    early = asked.tables.trouble.expiry()
    session.expires_early = now + timedelta(seconds=early) if early is not None else None
    return {
        "Credentials": {
            "AccessKeyId": session.access_key_id,
            "SecretAccessKey": session.secret_access_key,
            "SessionToken": session.session_token,
            "Expiration": session.expiration,
        },
        "AssumedRoleUser": {"AssumedRoleId": session.user_id, "Arn": session.arn},
    }
