"""STS's AssumeRole, once the role's trust policy has allowed it (AWS STS API Reference, "AssumeRole")."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.rights.callers import document_of, identity_of
from orchestrator.lab.rights.evaluation.principal import CallerKind
from orchestrator.lab.rights.need import tags_of

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
    seconds = int(asked.parameters.get("DurationSeconds") or _USUAL)
    _check_duration(seconds, int(role.max_session_duration or _USUAL), asked)
    policies = _policies(asked)
    session: Any = sts_backends[asked.account]["aws"].assume_role(
        region_name=asked.region,
        role_session_name=asked.parameters["RoleSessionName"],
        role_arn=arn,
        policy=str(asked.parameters.get("Policy") or ""),
        duration=seconds,
        external_id=str(asked.parameters.get("ExternalId") or ""),
    )
    now = datetime.now(UTC)
    session.tags = tags_of(asked.parameters.get("Tags"))
    session.policies = policies
    session.issued = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    early = asked.tables.trouble.expiry()
    session.expires_early = now + timedelta(seconds=early) if early is not None else None
    return {
        "Credentials": {
            "AccessKeyId": session.access_key_id,
            "SecretAccessKey": session.secret_access_key,
            "SessionToken": session.session_token,
            "Expiration": session.expiration,
        },
        "AssumedRoleUser": {"AssumedRoleId": session.user_id, "Arn": session.arn},
        "PackedPolicySize": 100 * sum(map(len, policies)) // _LONGEST_POLICY if policies else None,
    }


def _check_duration(seconds: int, most: int, asked: Asked) -> None:
    chained = identity_of(asked.response.get_access_key()).caller.kind is CallerKind.ROLE
    if chained and seconds > _CHAINED:
        what = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
        raise AwsFault("ValidationError", what)
    if seconds < _LEAST:
        what = (
            f"1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to satisfy constraint: "
            f"Member must have value greater than or equal to {_LEAST}"
        )
        raise AwsFault("ValidationError", what)
    if seconds > most:
        what = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        raise AwsFault("ValidationError", what)


def _policies(asked: Asked) -> tuple[str, ...]:
    """The documents of the session's policies."""
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
