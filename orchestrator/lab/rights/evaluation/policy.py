"""Policy documents as values, and which of their statements speak of a request.

Source: IAM User Guide, "IAM JSON policy elements reference".
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from orchestrator.lab.rights.evaluation.conditions import condition
from orchestrator.lab.rights.evaluation.patterns import NoValueError, expanded, like
from orchestrator.lab.rights.evaluation.principal import Grant, Principals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.lab.rights.evaluation.conditions import Context, PolicyCondition
    from orchestrator.lab.rights.evaluation.principal import Caller

#: The version without which variables are texts.
_WITH_VARIABLES = "2012-10-17"


@dataclass(frozen=True)
class Request:
    """What one decision is about: who wants to do what to which resource."""

    caller: Caller
    action: str
    """`ec2:RunInstances`."""
    resource: str
    """An ARN, or `*` for an action that has none."""
    context: Context
    account: str = ""
    """Whose the resource is; empty: nobody's, or the caller's."""


@dataclass(frozen=True)
class IamStatement:
    """One statement. Only those of resource-based policies name principals; a trust policy names no resources."""

    allows: bool
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    not_resources: tuple[str, ...] = ()
    principals: Principals | None = None
    not_principals: Principals | None = None
    conditions: tuple[PolicyCondition, ...] = ()
    sid: str = ""

    def grant(self, request: Request) -> Grant:
        """How it speaks of a request: not at all, or to whom."""
        if not self.speaks_of(request):
            return Grant.NONE
        if not all(each.holds(request.context) for each in self.conditions):
            return Grant.NONE
        if self.principals is not None:
            return self.principals.names(request.caller)
        if self.not_principals is not None:
            named = self.not_principals.names(request.caller)
            return Grant.DIRECT if named is Grant.NONE else Grant.NONE
        return Grant.DIRECT

    def speaks_of(self, request: Request) -> bool:
        """Whether it is about the action and the resource of a request."""
        return self._of_action(request.action) and self._of_resource(request)

    def _of_action(self, action: str) -> bool:
        if self.not_actions:
            return not any(like(each, action, ignore_case=True) for each in self.not_actions)
        return any(like(each, action, ignore_case=True) for each in self.actions)

    def _of_resource(self, request: Request) -> bool:
        if self.not_resources:
            return not any(_matches(each, request) for each in self.not_resources)
        return not self.resources or any(_matches(each, request) for each in self.resources)


@dataclass(frozen=True)
class IamPolicy:
    """A policy document."""

    statements: tuple[IamStatement, ...]

    def denies(self, request: Request) -> bool:
        """Whether it says no to a request."""
        return any(not each.allows and each.grant(request) is not Grant.NONE for each in self.statements)

    def grant(self, request: Request) -> Grant:
        """The most that it allows of a request."""
        return max((each.grant(request) for each in self.statements if each.allows), default=Grant.NONE)

    def granting(self, request: Request) -> tuple[str, ...]:
        """The `Sid` of each statement that allows a request to somebody."""
        return tuple(each.sid for each in self.statements if each.allows and each.grant(request) is not Grant.NONE)

    def allows(self, request: Request) -> bool:
        """Whether it allows a request to somebody."""
        return self.grant(request) is not Grant.NONE


def _matches(pattern: str, request: Request) -> bool:
    try:
        return like(expanded(pattern, request.context), request.resource)
    except NoValueError:
        return False


@lru_cache(maxsize=1024)
def policy(document: str) -> IamPolicy:
    """The policy of a document. Raises ValueError for what is none."""
    told = json.loads(document)
    if not isinstance(told, dict):
        raise TypeError("a policy is an object")
    variables = told.get("Version") == _WITH_VARIABLES
    return IamPolicy(tuple(_statement(each, variables=variables) for each in _listed(told.get("Statement"))))


def _statement(told: dict[str, Any], *, variables: bool) -> IamStatement:
    def texts(name: str) -> tuple[str, ...]:
        found = tuple(map(str, _listed(told.get(name))))
        # A dollar that begins no variable stands for itself.
        return found if variables else tuple(each.replace("${", "${$}{") for each in found)

    return IamStatement(
        told["Effect"] == "Allow",
        texts("Action"),
        texts("NotAction"),
        texts("Resource"),
        texts("NotResource"),
        _principals(told.get("Principal")),
        _principals(told.get("NotPrincipal")),
        tuple(_conditions(told.get("Condition") or {})),
        str(told.get("Sid") or ""),
    )


def _principals(told: Any) -> Principals | None:
    if told is None:
        return None
    named = {"AWS": "*"} if told == "*" else dict(told)
    return Principals(*(tuple(map(str, _listed(named.get(kind)))) for kind in ("AWS", "Service", "Federated")))


def _conditions(told: dict[str, dict[str, Any]]) -> Iterator[PolicyCondition]:
    for name, keys in told.items():
        for key, values in keys.items():
            yield condition(name, key, tuple(_text(each) for each in _listed(values)))


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _listed(told: Any) -> list[Any]:
    if told is None:
        return []
    return list(told) if isinstance(told, list) else [told]
