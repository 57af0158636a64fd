"""Who calls, and whether the principals of a resource-based policy name them.

Source: IAM User Guide, "AWS JSON policy elements: Principal".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum


class Grant(IntEnum):
    """Whom a statement allows something, from nobody on."""

    NONE = 0
    ACCOUNT = 1
    """The account, which may let its users and roles have it."""
    ROLE = 2
    """A role: its permissions boundary and the session's policies count."""
    DIRECT = 3
    """A user or a session itself."""


class CallerKind(Enum):
    """What a caller is."""

    ROOT = "root"
    USER = "user"
    ROLE = "role"
    SERVICE = "service"
    FEDERATED = "federated"
    """Whom a provider of identities vouches for."""
    ANONYMOUS = "anonymous"


@dataclass(frozen=True)
class Caller:
    """Who calls."""

    kind: CallerKind
    account: str = ""
    arn: str = ""
    """Of the user, the role or the provider of identities; of a service its name, `ec2.amazonaws.com`."""
    session: str = ""
    """The ARN of a role's session."""
    user_id: str = ""
    """`AIDA...`, or `AROA...:SESSION`."""

    @property
    def shown(self) -> str:
        """As refusals name it."""
        return self.session or self.arn or "anonymous"

    @property
    def name(self) -> str:
        """A user's name; empty of others."""
        return self.arn.rpartition("/")[2] if self.kind is CallerKind.USER else ""


@dataclass(frozen=True)
class Principals:
    """What `Principal` or `NotPrincipal` names."""

    aws: tuple[str, ...] = ()
    """ARNs and account ids."""
    services: tuple[str, ...] = ()
    federated: tuple[str, ...] = ()

    def names(self, caller: Caller) -> Grant:
        """The closest way in which a caller is named."""
        if caller.kind is CallerKind.SERVICE:
            return Grant.DIRECT if caller.arn in self.services or "*" in (*self.aws, *self.services) else Grant.NONE
        if caller.kind is CallerKind.FEDERATED:
            return Grant.DIRECT if caller.arn in self.federated else Grant.NONE
        return max((_named(each, caller) for each in self.aws), default=Grant.NONE)


def _named(principal: str, caller: Caller) -> Grant:
    of_role = caller.kind is CallerKind.ROLE
    if principal == "*":
        return Grant.ROLE if of_role else Grant.DIRECT
    if caller.account and principal in (caller.account, f"arn:aws:iam::{caller.account}:root"):
        return Grant.DIRECT if caller.kind is CallerKind.ROOT else Grant.ACCOUNT
    if caller.session and principal == caller.session:
        return Grant.DIRECT
    if caller.arn and principal == caller.arn:
        return Grant.ROLE if of_role else Grant.DIRECT
    return Grant.NONE
