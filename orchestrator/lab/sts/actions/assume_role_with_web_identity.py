"""STS's AssumeRoleWithWebIdentity (AWS STS API Reference, "AssumeRoleWithWebIdentity"). Its calls are not signed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.iam.models import iam_backends

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.rights.evaluation.policy import Request, policy
from orchestrator.lab.rights.evaluation.principal import Caller, CallerKind
from orchestrator.lab.sts.actions.assume_role import session_policies, session_seconds
from orchestrator.lab.sts.opened_session import opened_session
from orchestrator.lab.sts.web_identity import web_identity

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked
    from orchestrator.lab.sts.web_identity import WebIdentity

_ACTION = "sts:AssumeRoleWithWebIdentity"
_ARN_PARTS = 6


def answer(asked: Asked) -> dict[str, Any]:
    """Credentials of the role's account. Raises AwsFault."""
    arn = str(asked.parameters["RoleArn"])
    if len(arn.split(":")) != _ARN_PARTS:
        raise AwsFault("ValidationError", f"{arn} is invalid")
    account = arn.split(":")[4]
    identity = web_identity(str(asked.parameters["WebIdentityToken"]), account)
    role = next((each for each in iam_backends[account]["aws"].roles.values() if each.arn == arn), None)
    if role is None or not _trusts(role, arn, identity):
        # Of a role that is not there AWS says the same.
        raise AwsFault("AccessDenied", f"Not authorized to perform {_ACTION}", 403)
    seconds = session_seconds(asked, role, chained=False)
    return {
        **opened_session(asked, account, seconds, session_policies(asked)),
        "SubjectFromWebIdentityToken": identity.subject,
        "Provider": identity.provider,
        "Audience": identity.audience,
    }


def _trusts(role: Any, arn: str, identity: WebIdentity) -> bool:
    caller = Caller(CallerKind.FEDERATED, arn=identity.provider)
    request = Request(caller, _ACTION, arn, identity.keys)
    trusted = policy(role.assume_role_policy_document)
    return trusted.allows(request) and not trusted.denies(request)
