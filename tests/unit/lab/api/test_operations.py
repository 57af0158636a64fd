from __future__ import annotations

import pytest

from orchestrator.errors import UsageError
from orchestrator.lab.api.fault_rules import FaultKind, Rule
from orchestrator.lab.api.operations import check


@pytest.mark.parametrize("pattern", ["*", "ec2:*", "ec2:Describe*", "ssm:SendCommand", "*:Create*", "s3:PutObject"])
def test_patterns_that_can_match_pass(pattern: str) -> None:
    check(Rule(FaultKind.THROTTLE, 0.5, (pattern,)))


@pytest.mark.parametrize("kind", list(FaultKind))
def test_what_a_kind_concerns_by_itself_passes(kind: FaultKind) -> None:
    check(Rule(kind))


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("ec2", "no pattern of operations"),
        ("ec2:", "no pattern of operations"),
        ("ecc2:*", r"no service 'ecc2' \(did you mean 'ec2'\?\)"),
        ("ec2:RunInstance", r"no operation 'RunInstance' \(did you mean 'RunInstances'\?\)"),
        ("ec2:runinstances", "no operation 'runinstances'"),
    ],
)
def test_patterns_that_cannot_match_are_refused(pattern: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        check(Rule(FaultKind.THROTTLE, 0.5, ("ssm:*", pattern)))


@pytest.mark.parametrize(
    ("kind", "pattern"), [(FaultKind.SLOW_IMAGE, "ec2:RunInstances"), (FaultKind.CAPACITY, "ssm:*")]
)
def test_a_fault_that_the_operation_cannot_have_is_refused(kind: FaultKind, pattern: str) -> None:
    with pytest.raises(UsageError, match="nothing to do with"):
        check(Rule(kind, operations=(pattern,)))
