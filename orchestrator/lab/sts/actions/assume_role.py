"""STS's AssumeRole, once the role's trust policy has allowed it (AWS STS API Reference, "AssumeRole")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.iam.models import iam_backends

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.rights.callers import document_of, identity_of
from orchestrator.lab.rights.evaluation.principal import CallerKind
from orchestrator.lab.sts.opened_session import opened_session

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked

#: Seconds of a session: when nothing is asked for, at least, and at most when a session asks for another role.
_USUAL, _LEAST, _CHAINED = 3600, 900, 3600
#: Characters of a session's policies together; AWS's own limit is of a packed form of them.
_LONGEST_POLICY = 2048


def answer(asked: Asked) -> dict[str, Any]:
    """Credentials of the role's account. Raises AwsFault."""
    arn = str(asked.parameters["RoleArn"])
    role = next(each for each in iam_backends[arn.split(":")[4]]["aws"].roles.values() if each.arn == arn)
    chained = identity_of(asked.response.get_access_key()).caller.kind is CallerKind.ROLE
    seconds = session_seconds(asked, role, chained=chained)
    policies = session_policies(asked)
    packed = 100 * sum(map(len, policies)) // _LONGEST_POLICY if policies else None
    return {**opened_session(asked, asked.account, seconds, policies), "PackedPolicySize": packed}


def session_seconds(asked: Asked, role: Any, *, chained: bool) -> int:
    """How long a session is to last: as asked for, in the bounds of its role. Raises AwsFault."""
    seconds = int(asked.parameters.get("DurationSeconds") or _USUAL)
    if chained and seconds > _CHAINED:
        what = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
        raise AwsFault("ValidationError", what)
    if seconds < _LEAST:
        what = (
            f"1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to satisfy constraint: "
            f"Member must have value greater than or equal to {_LEAST}"
        )
        raise AwsFault("ValidationError", what)
    if seconds > int(role.max_session_duration or _USUAL):
        what = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        raise AwsFault("ValidationError", what)
    return seconds


def session_policies(asked: Asked) -> tuple[str, ...]:
    """The documents of the session's policies. Raises AwsFault."""
    inline = asked.parameters.get("Policy")
    arns = [str(each["arn"]) for each in asked.parameters.get("PolicyArns") or []]
    managed = iam_backends[str(asked.parameters["RoleArn"]).split(":")[4]]["aws"].managed_policies
    for arn in arns:
        if arn not in managed:
            raise AwsFault("ValidationError", f"Policy {arn} does not exist or is not attachable.")
    documents = ([str(inline)] if inline else []) + [document_of(managed[arn]) for arn in arns]
    if inline and len(inline) > _LONGEST_POLICY:
        raise AwsFault("PackedPolicyTooLarge", "Packed policy consumes more than 100% of allotted space")
    return tuple(documents)
