"""Clients with which CloudFormation calls other services: as whoever asked for the stack.

Source: AWS CloudFormation User Guide, "CloudFormation service role": without one, it uses the caller's credentials.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.config import Config

from orchestrator.lab.rights.callers import session_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.lab.api.call import Call

#: The lab looks at the id of a key and at the token of a session, never at a secret.
_ANY_SECRET = "any"  # noqa: S105


def clients(endpoint: str) -> Callable[[Call, str], Any]:
    """What makes clients of the lab at an endpoint."""

    @lru_cache(maxsize=16)
    def made(service: str, region: str, key: str, token: str) -> Any:
        return botocore.session.Session({"profile": (None, None, None, None)}).create_client(
            service,
            region_name=region,
            endpoint_url=endpoint,
            aws_access_key_id=key,
            aws_secret_access_key=_ANY_SECRET,
            aws_session_token=token or None,
            config=Config(retries={"mode": "standard", "total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )

    def client(call: Call, service: str) -> Any:
        session = session_of(call.key)
        return made(service, call.region, call.key, str(session.session_token) if session is not None else "")

    return client
