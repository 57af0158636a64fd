"""The credentials that a machine has by its instance profile: a session of the profile's role, as STS keeps it.

So whoever calls with them may do what the role's policies allow (EC2 user guide, "IAM roles for Amazon EC2").
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.sts.models import sts_backends

#: Seconds for which credentials of a machine are good.
LIFE = 21600
#: There are new ones so long before (the guide says at least five minutes).
_BEFORE = timedelta(minutes=30)
_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class RoleCredentials:
    """What the metadata service hands out."""

    key_id: str
    secret: str
    token: str
    issued: str
    """ISO 8601, as `expires`."""
    expires: str


def credentials_of(instance: Any, role: Any) -> RoleCredentials:
    """An instance's credentials of a role: those that it has, or new ones in time. Holds no lock: the caller does."""
    session: Any = getattr(instance, "role_session", None)
    now = datetime.now(UTC)
    if session is None or session.role_arn != role.arn or _ends(session) - now < _BEFORE:
        session = sts_backends[instance.owner_id]["aws"].assume_role(
            region_name=instance.region_name,
            role_session_name=instance.id,
            role_arn=role.arn,
            policy="",
            duration=LIFE,
            external_id="",
        )
        session.issued = now.strftime(_TIME)
        instance.role_session = session
    ends = _ends(session).strftime(_TIME)
    return RoleCredentials(
        session.access_key_id, session.secret_access_key, session.session_token, session.issued, ends
    )


def _ends(session: Any) -> datetime:
    said: datetime = session.expiration
    return said if said.tzinfo else said.replace(tzinfo=UTC)
