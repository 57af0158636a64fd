"""Who an access key is in moto's tables, and the policies that count for them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from moto.iam.models import get_account_id_from, iam_backends
from moto.organizations.models import organizations_backends
from moto.sts.models import sts_backends

from orchestrator.lab.accounts.organisation import FIRST
from orchestrator.lab.rights.evaluation.policy import IamPolicy, policy
from orchestrator.lab.rights.evaluation.principal import Caller, CallerKind
from orchestrator.lab.rights.need import tags_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_AWS = "aws"
_EVERYTHING = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}, sort_keys=True
)
FULL_ACCESS = policy(_EVERYTHING)
#: Who has a key that nobody made: an administrator of the first account.
NOBODY = Caller(CallerKind.USER, FIRST, f"arn:aws:iam::{FIRST}:user/lab", user_id="AIDAAMILABLABLABLABLA")


@dataclass(frozen=True)
class Identity:
    """A caller with all that its own side says."""

    caller: Caller
    policies: tuple[IamPolicy, ...] = ()
    boundary: IamPolicy | None = None
    session: tuple[IamPolicy, ...] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    issued: str = ""
    """When its temporary credentials were given, ISO 8601; empty: they are none."""


def session_of(key: str) -> Any | None:
    """The record of the temporary credentials that have this access key id."""
    account = get_account_id_from(key)
    return sts_backends[account][_AWS].get_assumed_role_from_access_key(key) if key.startswith("ASIA") else None


def identity_of(key: str) -> Identity:
    """Who has an access key, with policies."""
    account = get_account_id_from(key)
    iam = iam_backends[account][_AWS]
    session = session_of(key)
    if session is not None:
        return _of_session(iam, account, session)
    found = iam.access_keys.get(key)
    if found is None or not found.user_name:
        return Identity(NOBODY, (FULL_ACCESS,))
    user = iam.users[found.user_name]
    tags = {each["Key"]: each["Value"] for each in iam.tagger.list_tags_for_resource(user.arn)["Tags"]}
    caller = Caller(CallerKind.USER, account, user.arn, user_id=user.id)
    groups = [each for each in iam.groups.values() if user in each.users]
    policies = tuple(each for holder in (user, *groups) for each in _policies(holder))
    return Identity(caller, policies, _boundary(iam, user), tags=tags)


def _of_session(iam: Any, account: str, session: Any) -> Identity:
    """A role's session; one whose role is gone may do nothing."""
    role = next((each for each in iam.roles.values() if each.arn == session.role_arn), None)
    caller = Caller(CallerKind.ROLE, account, session.role_arn, session.arn, session.user_id)
    tags = {**(role_tags(role) if role is not None else {}), **getattr(session, "tags", {})}
    return Identity(
        caller,
        tuple(_policies(role)) if role is not None else (),
        _boundary(iam, role) if role is not None else None,
        tuple(map(policy, session.policies)) if getattr(session, "policies", None) else None,
        tags,
        str(getattr(session, "issued", "")),
    )


def role_tags(role: Any) -> dict[str, str]:
    """The tags of a role, which moto keeps as a list, or by their keys."""
    return tags_of(list(role.tags.values()) if isinstance(role.tags, dict) else role.tags)


def _policies(holder: Any) -> Iterator[IamPolicy]:
    """The inline and managed policies of a user, group or role."""
    for document in holder.policies.values():
        yield policy(document)
    for managed in holder.managed_policies.values():
        yield policy(document_of(managed))


def document_of(managed: Any) -> str:
    """The default version of a managed policy."""
    return str(next(each.document for each in managed.versions if each.is_default))


def _boundary(iam: Any, holder: Any) -> IamPolicy | None:
    arn = getattr(holder, "permissions_boundary_arn", None)
    return policy(document_of(iam.managed_policies[arn])) if arn else None


def organisation_of(account: str) -> Any | None:
    """The tables of the organisation that an account is in."""
    management = organizations_backends.master_accounts.get(account, (account, _AWS))[0]
    tables = organizations_backends[management][_AWS]
    return tables if tables.org is not None else None


def path_of(tables: Any, account: str) -> list[Any]:
    """The root, each unit and the account itself: what service control policies are attached to."""
    by_id = {each.id: each for each in (*tables.ou, *tables.accounts)}
    path, target = [], by_id.get(account)
    while target is not None:
        path.append(target)
        target = by_id.get(target.parent_id)
    return path[::-1]


def levels_of(account: str) -> tuple[tuple[IamPolicy, ...], ...]:
    """The service control policies of each level; none for a management account, which they do not concern.

    Source: AWS Organizations User Guide, "Service control policies (SCPs)".
    """
    tables = organisation_of(account)
    if tables is None or account == tables.org.master_account_id:
        return ()
    kind = "SERVICE_CONTROL_POLICY"
    if not any(each["Type"] == kind for root in tables.ou if root.type == "ROOT" for each in root.policy_types):
        return ()
    return tuple(
        tuple(policy(each.content) for each in target.attached_policies if each.type == kind)
        for target in path_of(tables, account)
    )
