"""STS's GetCallerIdentity (AWS STS API Reference, "GetCallerIdentity")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.lab.rights.callers import identity_of

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked


def answer(asked: Asked) -> dict[str, Any]:
    """Who calls; a key that nobody made is of the lab's own user."""
    caller = identity_of(asked.response.get_access_key()).caller
    return {"UserId": caller.user_id, "Account": caller.account, "Arn": caller.shown}
