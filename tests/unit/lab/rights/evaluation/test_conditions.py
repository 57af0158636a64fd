"""Condition operators: IAM User Guide, "IAM JSON policy elements: Condition operators" and "Set operators"."""

from __future__ import annotations

import pytest

from orchestrator.lab.rights.evaluation.conditions import condition

CONTEXT = {
    "aws:requesttag/team": ("portal",),
    "aws:tagkeys": ("team", "cost"),
    "aws:principaltag/team": ("portal",),
    "aws:sourceip": ("203.0.113.7",),
    "aws:multifactorauthage": ("600",),
    "aws:currenttime": ("2026-11-27T22:00:00Z",),
    "aws:securetransport": ("false",),
    "aws:principalarn": ("arn:aws:iam::111122223333:role/build",),
}


@pytest.mark.parametrize(
    ("operator", "key", "values", "holds"),
    [
        ("StringEquals", "aws:RequestTag/team", ("portal", "web"), True),
        ("StringEquals", "aws:requesttag/TEAM", ("portal",), True),
        ("StringEquals", "aws:RequestTag/team", ("Portal",), False),
        ("StringEqualsIgnoreCase", "aws:RequestTag/team", ("Portal",), True),
        ("StringEquals", "aws:RequestTag/team", ("${aws:PrincipalTag/team}",), True),
        ("StringEquals", "aws:RequestTag/team", ("${aws:PrincipalTag/none}",), False),
        ("StringEquals", "aws:RequestTag/other", ("portal",), False),
        ("StringEqualsIfExists", "aws:RequestTag/other", ("portal",), True),
        ("StringEqualsIfExists", "aws:RequestTag/team", ("web",), False),
        ("StringNotEquals", "aws:RequestTag/other", ("portal",), True),
        ("StringNotEquals", "aws:RequestTag/team", ("portal", "web"), False),
        ("StringNotEquals", "aws:RequestTag/team", ("web", "db"), True),
        ("StringLike", "aws:RequestTag/team", ("por*",), True),
        ("StringEquals", "aws:RequestTag/team", ("por*",), False),
        ("StringNotLike", "aws:RequestTag/team", ("por*",), False),
        ("Null", "aws:RequestTag/other", ("true",), True),
        ("Null", "aws:RequestTag/team", ("true",), False),
        ("Null", "aws:RequestTag/team", ("false",), True),
        ("ForAllValues:StringEquals", "aws:TagKeys", ("team", "cost", "env"), True),
        ("ForAllValues:StringEquals", "aws:TagKeys", ("team",), False),
        ("ForAllValues:StringEquals", "aws:None", ("team",), True),
        ("ForAnyValue:StringEquals", "aws:TagKeys", ("team", "env"), True),
        ("ForAnyValue:StringEquals", "aws:TagKeys", ("env",), False),
        ("ForAnyValue:StringEquals", "aws:None", ("team",), False),
        ("ForAnyValue:StringNotEquals", "aws:TagKeys", ("team",), True),
        ("ForAllValues:StringNotEquals", "aws:TagKeys", ("team",), False),
        ("IpAddress", "aws:SourceIp", ("203.0.113.0/24",), True),
        ("NotIpAddress", "aws:SourceIp", ("203.0.113.0/24",), False),
        ("NumericLessThan", "aws:MultiFactorAuthAge", ("3600",), True),
        ("NumericGreaterThanEquals", "aws:MultiFactorAuthAge", ("601",), False),
        ("DateGreaterThan", "aws:CurrentTime", ("2026-01-01T00:00:00Z",), True),
        ("DateLessThan", "aws:CurrentTime", ("2026-01-01",), False),
        ("Bool", "aws:SecureTransport", ("false",), True),
        ("BoolIfExists", "aws:MultiFactorAuthPresent", ("true",), True),
        ("ArnLike", "aws:PrincipalArn", ("arn:aws:iam::*:role/bu*",), True),
        ("ArnLike", "aws:PrincipalArn", ("arn:aws:*:role/build",), False),
        ("ArnNotEquals", "aws:PrincipalArn", ("arn:aws:iam::111122223333:role/build",), False),
    ],
)
def test_condition_when_it_is_asked(operator: str, key: str, values: tuple[str, ...], holds: bool) -> None:  # noqa: FBT001
    assert condition(operator, key, values).holds(CONTEXT) == holds


@pytest.mark.parametrize("operator", ["StringIs", "ForSomeValues:StringEquals", "stringequals"])
def test_condition_when_there_is_no_such_operator(operator: str) -> None:
    with pytest.raises(ValueError, match=operator):
        condition(operator, "aws:TagKeys", ("a",))
