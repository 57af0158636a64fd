"""What key policies say of principals."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestrator.lab.kms.acting import auto_scaling
from orchestrator.lab.kms.policy import KeyUse, KeyVerdict, verdict

OWNER, OTHER = "111111111111", "222222222222"
ROLE = f"arn:aws:iam::{OTHER}:role/deployer"
SESSION = f"arn:aws:sts::{OTHER}:assumed-role/deployer/session"


def policy(principal: Any, effect: str = "Allow", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Principal": principal, "Action": "kms:*", "Resource": "*"} | more


def said(use: KeyUse, *statements: dict[str, Any]) -> KeyVerdict:
    return verdict(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}), use)


def root(account: str) -> dict[str, str]:
    return {"AWS": f"arn:aws:iam::{account}:root"}


@pytest.mark.parametrize(
    ("principal", "named", "expected"),
    [
        (f"arn:aws:iam::{OWNER}:root", root(OWNER), KeyVerdict.ALLOW),
        (ROLE, root(OWNER), KeyVerdict.NOTHING),
        (ROLE, root(OTHER), KeyVerdict.ALLOW),
        (ROLE, {"AWS": OTHER}, KeyVerdict.ALLOW),
        (SESSION, {"AWS": ROLE}, KeyVerdict.ALLOW),
        (auto_scaling(OTHER), root(OTHER), KeyVerdict.NOTHING),
        (auto_scaling(OTHER), {"AWS": auto_scaling(OTHER)}, KeyVerdict.ALLOW),
        (ROLE, "*", KeyVerdict.ALLOW),
        (ROLE, {"Service": "ec2.amazonaws.com"}, KeyVerdict.NOTHING),
    ],
)
def test_whom_a_statement_names(principal: str, named: Any, expected: KeyVerdict) -> None:
    """A statement for an account is for all in it whom IAM may let in, which service-linked roles are not."""
    assert said(KeyUse(principal, "kms:Decrypt"), policy(named)) is expected


def test_a_deny_is_stronger_in_any_order() -> None:
    statements = [policy(root(OTHER), "Deny", Action="kms:Decrypt"), policy(root(OTHER))]
    use = KeyUse(ROLE, "kms:Decrypt")
    assert {said(use, *statements), said(use, *reversed(statements))} == {KeyVerdict.DENY}
    assert said(KeyUse(ROLE, "kms:Encrypt"), *statements) is KeyVerdict.ALLOW


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"StringEquals": {"kms:CallerAccount": OTHER}}, KeyVerdict.ALLOW),
        ({"StringNotEquals": {"kms:CallerAccount": OTHER}}, KeyVerdict.NOTHING),
        ({"StringEquals": {"kms:ViaService": "ec2.us-east-1.amazonaws.com"}}, KeyVerdict.ALLOW),
        ({"StringLike": {"kms:ViaService": ["s3.*", "rds.*"]}}, KeyVerdict.NOTHING),
        ({"Bool": {"kms:GrantIsForAWSResource": True}}, KeyVerdict.ALLOW),
        ({"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{OTHER}:role/*"}}, KeyVerdict.ALLOW),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-other"}}, KeyVerdict.NOTHING),
        ({"StringEquals": {"aws:SourceVpc": "vpc-1"}}, KeyVerdict.NOTHING),
    ],
)
def test_conditions(condition: dict[str, Any], expected: KeyVerdict) -> None:
    """One that the lab does not know is not met where it would allow."""
    use = KeyUse(ROLE, "kms:CreateGrant", "ec2.us-east-1.amazonaws.com", "o-ours")
    assert said(use, policy(root(OTHER), Condition=condition)) is expected


def test_an_unknown_condition_of_a_deny_denies() -> None:
    strange = {"StringEquals": {"aws:SourceVpc": "vpc-1"}}
    statements = [policy(root(OTHER)), policy(root(OTHER), "Deny", Condition=strange)]
    assert said(KeyUse(ROLE, "kms:Decrypt"), *statements) is KeyVerdict.DENY


def test_all_but_some_actions() -> None:
    statement = {key: value for key, value in policy(root(OTHER)).items() if key != "Action"}
    statement["NotAction"] = "kms:Decrypt"
    assert said(KeyUse(ROLE, "kms:Decrypt"), statement) is KeyVerdict.NOTHING
    assert said(KeyUse(ROLE, "kms:Encrypt"), statement) is KeyVerdict.ALLOW
