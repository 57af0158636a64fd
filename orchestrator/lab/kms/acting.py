"""Who acts: the principal of the call that is being answered, or of what a service does by itself."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from orchestrator.lab.rights.callers import identity_of

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
    """The ARN of who signed a call: an assumed role, a user; the lab's own user for a key that nobody made."""
    return identity_of(call.key).caller.shown
