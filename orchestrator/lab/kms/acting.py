"""Who acts: the principal of the call that is being answered, or of what a service does by itself."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.lab.api.call import Call

_PRINCIPAL: ContextVar[str] = ContextVar("principal", default="")


def acting(account: str) -> str:
    """The ARN of who acts in an account; its root when nobody says."""
    principal = _PRINCIPAL.get()
    return principal if principal.split(":")[4:5] == [account] else f"arn:aws:iam::{account}:root"


@contextmanager
def acting_as(principal: str) -> Iterator[None]:
    """Let somebody act meanwhile, in this thread."""
    token = _PRINCIPAL.set(principal)
    try:
        yield
    finally:
        _PRINCIPAL.reset(token)


def auto_scaling(account: str) -> str:
    """The role with which Auto Scaling launches (EC2 Auto Scaling User Guide, "Service-linked roles")."""
    return f"arn:aws:iam::{account}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"


def note(call: Call) -> None:
    """Remember who makes a call, for as long as its thread answers it."""
    _PRINCIPAL.set(principal_of(call))


def principal_of(call: Call) -> str:
    """The ARN of who signed a call: an assumed role, a user; the root of the account of a key that nobody made."""
    assumed = sts_backends[call.account]["aws"].get_assumed_role_from_access_key(call.key)
    if assumed is not None:
        return str(assumed.arn)
    for user in iam_backends[call.account]["aws"].users.values():
        if any(key.access_key_id == call.key for key in user.access_keys):
            return str(user.arn)
    return f"arn:aws:iam::{call.account}:root"
