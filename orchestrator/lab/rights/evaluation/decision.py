"""Whether a request is allowed, by all policies that count: a pure function of both.

Source: IAM User Guide, "Policy evaluation logic", "How AWS enforcement code logic evaluates requests to allow or deny
access", "Cross-account policy evaluation logic".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from orchestrator.lab.rights.evaluation.principal import CallerKind, Grant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.lab.rights.evaluation.policy import IamPolicy, Request


class PolicyKind(Enum):
    """A kind of policy, as refusals name it."""

    SERVICE_CONTROL = "a service control policy"
    RESOURCE = "a resource-based policy"
    TRUST = "the role trust policy"
    IDENTITY = "an identity-based policy"
    BOUNDARY = "a permissions boundary"
    SESSION = "a session policy"

    @property
    def none(self) -> str:
        """Of a refusal that no policy of this kind keeps from happening."""
        return f"no {self.value.partition(' ')[2]}"


class Demand(Enum):
    """When the policy of a resource has to allow a request."""

    FROM_OTHERS = "from others"
    """When the caller is of another account (S3, SNS, SQS)."""
    ALWAYS = "always"
    """Keys of KMS, and roles that are assumed: without it, not even the account's own identities may."""
    NEVER = "never"
    """There are no such policies; other accounts share in another way."""


@dataclass(frozen=True)
class Attached:
    """The policies that count for a request."""

    identity: tuple[IamPolicy, ...] = ()
    boundary: IamPolicy | None = None
    session: tuple[IamPolicy, ...] | None = None
    """None: the session has none, or the caller is no session."""
    levels: tuple[tuple[IamPolicy, ...], ...] = ()
    """The service control policies of the root, each unit and the account; none for a management account."""
    resource: IamPolicy | None = None
    demand: Demand = Demand.FROM_OTHERS
    resource_kind: PolicyKind = PolicyKind.RESOURCE

    def kinds(self) -> Iterator[tuple[PolicyKind, tuple[IamPolicy, ...]]]:
        """The policies by kind, in the order in which AWS looks at them."""
        yield PolicyKind.SERVICE_CONTROL, tuple(each for level in self.levels for each in level)
        yield self.resource_kind, () if self.resource is None else (self.resource,)
        yield PolicyKind.IDENTITY, self.identity
        yield PolicyKind.BOUNDARY, () if self.boundary is None else (self.boundary,)
        yield PolicyKind.SESSION, self.session or ()


@dataclass(frozen=True)
class AccessVerdict:
    """Whether a request is allowed; which kind of policy says no otherwise, and whether it does so in words."""

    refused_by: PolicyKind | None = None
    explicit: bool = field(default=False, kw_only=True)

    @property
    def allowed(self) -> bool:
        """Nothing says no."""
        return self.refused_by is None


ALLOWED = AccessVerdict()


def decide(request: Request, attached: Attached) -> AccessVerdict:
    """Whether a request is allowed."""
    for kind, policies in attached.kinds():
        if any(each.denies(request) for each in policies):
            return AccessVerdict(kind, explicit=True)
    for level in attached.levels:
        if not any(each.allows(request) for each in level):
            return AccessVerdict(PolicyKind.SERVICE_CONTROL)
    foreign = request.account not in ("", request.caller.account)
    grant = Grant.NONE if attached.resource is None else attached.resource.grant(request)
    demanded = attached.demand is Demand.ALWAYS or (attached.demand is Demand.FROM_OTHERS and foreign)
    if demanded and grant is Grant.NONE:
        return AccessVerdict(attached.resource_kind)
    if request.caller.kind in (CallerKind.SERVICE, CallerKind.ANONYMOUS):
        return ALLOWED if grant is not Grant.NONE else AccessVerdict(attached.resource_kind)
    if not foreign and grant is Grant.DIRECT:
        return ALLOWED
    return _by_caller(request, attached, given=not foreign and grant is Grant.ROLE)


def _by_caller(request: Request, attached: Attached, *, given: bool) -> AccessVerdict:
    """What the policies of the caller say, to whom the resource's have given the right already or not."""
    root = request.caller.kind is CallerKind.ROOT
    if not (given or root or any(each.allows(request) for each in attached.identity)):
        return AccessVerdict(PolicyKind.IDENTITY)
    if attached.boundary is not None and not attached.boundary.allows(request):
        return AccessVerdict(PolicyKind.BOUNDARY)
    if attached.session is not None and not any(each.allows(request) for each in attached.session):
        return AccessVerdict(PolicyKind.SESSION)
    return ALLOWED
