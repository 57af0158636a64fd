"""What a key's policy and its grants say of a principal (AWS KMS Developer Guide, "Determining access to keys").

A statement for an account leaves the decision to that account's IAM policies. Whoever has no IAM policy for the key,
as Auto Scaling's service-linked role, must be named itself, in the policy or in a grant.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from moto.kms.models import Key

_ASSUMED = re.compile(r"arn:aws:sts::(\d{12}):assumed-role/([^/]+)/")


class KeyVerdict(Enum):
    """What a policy says."""

    ALLOW = "allow"
    DENY = "deny"
    NOTHING = "nothing"


@dataclass(frozen=True)
class KeyUse:
    """Who does what with a key."""

    principal: str
    """The ARN of a role, a user, or the root of an account."""
    action: str
    """`kms:Decrypt`."""
    service: str = ""
    """The service that uses the key for the principal: `ec2.us-east-1.amazonaws.com`."""
    organization: str = ""

    @property
    def account(self) -> str:
        """That of the principal."""
        return self.principal.split(":")[4]

    @property
    def names(self) -> set[str]:
        """How a policy can name the principal itself."""
        assumed = _ASSUMED.match(self.principal)
        role = {f"arn:aws:iam::{assumed[1]}:role/{assumed[2]}"} if assumed else set()
        return {self.principal} | role

    @property
    def by_iam(self) -> bool:
        """Whether IAM policies of its account can let the principal use keys; of service-linked roles none do."""
        return "/aws-service-role/" not in self.principal

    def value(self, name: str) -> str | None:
        """The value of a condition key, None for one that the lab does not know."""
        known = {
            "aws:PrincipalAccount": self.account,
            "aws:PrincipalArn": self.principal,
            "aws:PrincipalOrgID": self.organization,
            "kms:CallerAccount": self.account,
            "kms:GrantIsForAWSResource": str(bool(self.service)).lower(),
            "kms:ViaService": self.service,
        }
        return known.get(name)


def verdict(policy: str, use: KeyUse) -> KeyVerdict:
    """What the policy of a key says of a use; what it denies is denied, whatever else it says."""
    said = KeyVerdict.NOTHING
    for statement in _list(json.loads(policy).get("Statement", [])):
        deny = statement.get("Effect") == "Deny"
        if not (_principal(statement, use, deny=deny) and _action(statement, use)):
            continue
        if not _conditions(statement.get("Condition", {}), use, unknown=deny):
            continue
        if deny:
            return KeyVerdict.DENY
        said = KeyVerdict.ALLOW
    return said


def granted(key: Key, use: KeyUse) -> bool:
    """Whether a grant of the key lets the principal do it."""
    operation = use.action.removeprefix("kms:")
    accounts = {f"arn:aws:iam::{use.account}:root"} if use.by_iam else set()
    return any(
        operation in grant.operations and grant.grantee_principal in use.names | accounts
        for grant in key.grants.values()
    )


def may(key: Key, use: KeyUse) -> bool:
    """Whether a principal may do something with a key."""
    if any(alias.startswith("alias/aws/") for alias in key.aliases):
        # The policy of a key that AWS manages lets all principals of its account use it through the service.
        return bool(use.account == key.account_id)
    said = verdict(key.policy or "{}", use)
    return said is KeyVerdict.ALLOW or (said is KeyVerdict.NOTHING and granted(key, use))


def _principal(statement: Mapping[str, Any], use: KeyUse, *, deny: bool) -> bool:
    given = statement.get("Principal", {})
    named = ["*"] if given == "*" else _list(given.get("AWS", []))
    if "*" in named or use.names & set(named):
        return True
    account = {use.account, f"arn:aws:iam::{use.account}:root"}
    return bool(account & set(named)) and (deny or use.by_iam)


def _action(statement: Mapping[str, Any], use: KeyUse) -> bool:
    action = use.action.lower()
    if "NotAction" in statement:
        return not any(fnmatchcase(action, each.lower()) for each in _list(statement["NotAction"]))
    return any(fnmatchcase(action, each.lower()) for each in _list(statement.get("Action", [])))


def _conditions(conditions: Mapping[str, Mapping[str, Any]], use: KeyUse, *, unknown: bool) -> bool:
    """Whether all hold; one that the lab does not know counts as `unknown` says."""
    return all(
        _holds(operator, use.value(name), [str(each) for each in _list(wanted)], unknown=unknown)
        for operator, keys in conditions.items()
        for name, wanted in keys.items()
    )


def _holds(operator: str, value: str | None, wanted: Iterable[str], *, unknown: bool) -> bool:
    name = operator.removesuffix("IfExists")
    test = _TESTS.get(name.replace("Not", ""))
    if value is None or test is None:
        return unknown
    return any(test(value, each) for each in wanted) != ("Not" in name)


_TESTS: Mapping[str, Callable[[str, str], bool]] = {
    "ArnEquals": fnmatchcase,
    "ArnLike": fnmatchcase,
    "Bool": lambda value, wanted: value == wanted.lower(),
    "StringEquals": str.__eq__,
    "StringLike": fnmatchcase,
}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
