"""What refuses calls for which nobody gave the right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.api.call import UNSIGNED
from orchestrator.lab.api.parameters import parameters
from orchestrator.lab.rights.callers import FULL_ACCESS, identity_of, levels_of
from orchestrator.lab.rights.evaluation.decision import Attached, decide
from orchestrator.lab.rights.evaluation.policy import Request
from orchestrator.lab.rights.evaluation.principal import CallerKind
from orchestrator.lab.rights.keys import context_of, is_known
from orchestrator.lab.rights.needs import assuming, needs
from orchestrator.lab.rights.refusal import refusal
from orchestrator.lab.rights.resource_policies import resource_policy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestrator.lab.api.call import Call
    from orchestrator.lab.rights.callers import Identity
    from orchestrator.lab.rights.evaluation.decision import AccessVerdict
    from orchestrator.lab.rights.evaluation.policy import IamPolicy
    from orchestrator.lab.rights.need import Need
    from orchestrator.lab.rights.used_rights import UsedRights
    from orchestrator.lab.tables import Tables

_ASSUME = "sts:AssumeRole"
#: The lab cannot tell who has the credentials that moto gives for these.
_UNKNOWN = ("sts:GetSessionToken", "sts:GetFederationToken")


class RightsGuard:
    """Looks at each call. Unless rights are enforced, only trust policies count, and everybody may ask for a role."""

    def __init__(self, tables: Tables, used: UsedRights, *, enforced: bool) -> None:
        self._tables = tables
        self._used = used
        self._enforced = enforced

    def __call__(self, call: Call, body: bytes, environ: Mapping[str, Any]) -> None:
        """Raise AwsFault for a call that may not be made."""
        if not self._enforced and call.operation != _ASSUME:
            return
        if call.operation in _UNKNOWN:
            raise AwsFault("InvalidAction", f"the lab does not do this while it enforces rights: {call.action}")
        if call.service == UNSIGNED:
            raise AwsFault("MissingAuthenticationToken", "Request is missing Authentication Token", 403)
        with self._tables.lock:
            self._check(call, body, environ)

    def _check(self, call: Call, body: bytes, environ: Mapping[str, Any]) -> None:
        identity = identity_of(call.key)
        asked = parameters(call, environ, body)
        wanted = needs(call, asked, self._tables, environ, body) if self._enforced else assuming(asked)
        for need in wanted:
            verdict = self._verdict(identity, need, call, environ)
            if not verdict.allowed:
                raise refusal(call, identity.caller, need, verdict)

    def _verdict(self, identity: Identity, need: Need, call: Call, environ: Mapping[str, Any]) -> AccessVerdict:
        found, demand, kind = resource_policy(need)
        policies = identity.policies if self._enforced else (FULL_ACCESS,)
        attached = Attached(
            policies,
            identity.boundary if self._enforced else None,
            identity.session if self._enforced else None,
            levels_of(identity.caller.account) if self._enforced else (),
            found,
            demand,
            kind,
        )
        context = context_of(identity, need, call, environ) if self._enforced else _own(need)
        request = Request(identity.caller, need.action, need.resource, context, need.account)
        _check_known(request, attached)
        verdict = decide(request, attached)
        if self._enforced and verdict.allowed and identity.caller.kind is CallerKind.ROLE:
            statements = sorted(sid for each in identity.policies for sid in each.granting(request))
            self._used.note(identity.caller.arn, need.action, need.kind, tuple(statements))
        return verdict


def _own(need: Need) -> dict[str, tuple[str, ...]]:
    return {key.lower(): value for key, value in need.keys.items()}


def _check_known(request: Request, attached: Attached) -> None:
    """Raise AwsFault for a statement about the request whose condition the lab cannot judge."""
    policies = (each for _, policies in attached.kinds() for each in policies)
    for key in (key for each in policies for key in _unknown(each, request)):
        what = f"the lab does not know the condition key {key}, which a policy for {request.action} asks for"
        raise AwsFault("UnsupportedOperation", what)


def _unknown(policy: IamPolicy, request: Request) -> Iterator[str]:
    for statement in policy.statements:
        if statement.speaks_of(request):
            yield from (each.key for each in statement.conditions if not is_known(each.key))
