"""The policies of resources in moto's tables: buckets, keys, topics, queues, and the trust policies of roles."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends
from moto.kms.models import kms_backends
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends
from moto.ssm.models import ssm_backends

from orchestrator.lab.rights.callers import role_tags
from orchestrator.lab.rights.evaluation.decision import Demand, PolicyKind
from orchestrator.lab.rights.evaluation.policy import IamPolicy, IamStatement, policy
from orchestrator.lab.rights.evaluation.principal import Principals

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.lab.rights.need import Need

    #: The policy of a need's resource, its own account and region.
    Finder = Callable[[str, str, str], IamPolicy | None]


def resource_policy(need: Need) -> tuple[IamPolicy | None, Demand, PolicyKind]:
    """The policy of a need's resource, when it has to allow, and how a refusal names it."""
    service = need.action.partition(":")[0]
    parts = need.resource.split(":", 5)
    region, account, name = (parts[3], parts[4], parts[5]) if len(parts) > 5 else ("", "", "")  # noqa: PLR2004
    if service == "sts" and need.kind == "role":
        return _trust("", account, need.resource), Demand.ALWAYS, PolicyKind.TRUST
    if service == "kms" and need.kind == "key":
        found = _key(region, account, name)
        # A key that is not there has no policy: to those of its account who may ask, KMS says NotFoundException.
        return found, Demand.FROM_OTHERS if found is None else Demand.ALWAYS, PolicyKind.RESOURCE
    finder = _FINDERS.get(service)
    if finder is None:
        return None, Demand.NEVER, PolicyKind.RESOURCE
    return (finder(region, account, name) if name else None), Demand.FROM_OTHERS, PolicyKind.RESOURCE


def _trust(_region: str, account: str, arn: str) -> IamPolicy | None:
    roles = iam_backends[account]["aws"].roles.values() if account.isdigit() else ()
    role = next((each for each in roles if each.arn == arn), None)
    return policy(role.assume_role_policy_document) if role is not None else None


def _key(region: str, account: str, name: str) -> IamPolicy | None:
    """A key's policy, with what its grants allow (AWS KMS Developer Guide, "Grants in AWS KMS")."""
    key = kms_backends[account][region].keys.get(name.removeprefix("key/"))
    if key is None:
        return None
    statements = tuple(_granted(each) for each in key.grants.values())
    return IamPolicy((*policy(key.policy).statements, *statements))


def _granted(grant: Any) -> IamStatement:
    actions = tuple(f"kms:{operation}" for operation in grant.operations)
    return IamStatement(allows=True, actions=actions, principals=Principals(aws=(grant.grantee_principal,)))


def _bucket(_region: str, _account: str, name: str) -> IamPolicy | None:
    bucket_name = name.partition("/")[0]
    owner = s3_backends.bucket_accounts.get(bucket_name)
    if owner is None:
        return None
    written = s3_backends[owner[1]][owner[0]].buckets[bucket_name].policy
    return policy(written.decode() if isinstance(written, bytes) else written) if written else None


def _topic(region: str, account: str, name: str) -> IamPolicy | None:
    topic = sns_backends[account][region].topics.get(f"arn:aws:sns:{region}:{account}:{name}")
    return policy(topic.policy) if topic is not None else None


def _queue(region: str, account: str, name: str) -> IamPolicy | None:
    queue = sqs_backends[account][region].queues.get(name)
    written = queue.policy if queue is not None else None
    return policy(written if isinstance(written, str) else json.dumps(written)) if written else None


_FINDERS: dict[str, Finder] = {"s3": _bucket, "sns": _topic, "sqs": _queue}


def resource_tags(need: Need) -> dict[str, str]:
    """The tags of a resource outside of EC2, which tells its own."""
    parts = need.resource.split(":", 5)
    if need.new or len(parts) <= 5:  # noqa: PLR2004  an ARN's parts
        return {}
    region, account, name = parts[3:]
    if need.kind == "parameter":
        by_name: dict[str, dict[str, str]] = ssm_backends[account][region]._resource_tags.get("Parameter", {})  # noqa: SLF001  nobody else has them
        path = name.removeprefix("parameter/")
        return dict(by_name.get(f"/{path}") or by_name.get(path) or {})
    if need.kind == "role":
        role = next((each for each in iam_backends[account]["aws"].roles.values() if each.arn == need.resource), None)
        return role_tags(role) if role is not None else {}
    if need.kind == "instance":
        return dict(ec2_backends[account][region].tags.get(name.removeprefix("instance/"), {}))
    if need.kind == "key":
        return {each["TagKey"]: each["TagValue"] for each in _key_tags(region, account, need.resource)}
    return {}


def _key_tags(region: str, account: str, arn: str) -> list[dict[str, str]]:
    tagger = kms_backends[account][region].tagger
    return list(tagger.list_tags_for_resource(arn.rpartition("/")[2])["Tags"])
