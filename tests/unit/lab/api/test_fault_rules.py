from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import UsageError
from orchestrator.lab.api.fault_rules import (
    CallPlace,
    Decision,
    FaultEffect,
    FaultKind,
    HitCount,
    Rule,
    decide,
    drawn,
    kind_named,
    rule_of,
)

ALWAYS = HitCount(1, Rule(FaultKind.THROTTLE, 1, ("ec2:*",)))


def outcomes(rule: Rule, calls: int) -> list[FaultEffect]:
    return [drawn(rule, nth) for nth in range(calls)]


def after(decision: Decision, number: int) -> HitCount:
    return next(tally for tally in decision.after if tally.number == number)


@given(st.integers(), st.floats(0, 1))
def test_the_same_seed_gives_the_same_faults(seed: int, rate: float) -> None:
    assert outcomes(Rule(FaultKind.ERROR, rate, seed=seed), 50) == outcomes(Rule(FaultKind.ERROR, rate, seed=seed), 50)


def test_other_seeds_give_other_faults() -> None:
    assert outcomes(Rule(FaultKind.THROTTLE, 0.5, seed=1), 50) != outcomes(Rule(FaultKind.THROTTLE, 0.5, seed=2), 50)


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.3, 1.0])
def test_the_rate_is_the_share_of_calls_that_are_hit(rate: float) -> None:
    hit = sum(outcome is FaultEffect.THROTTLED for outcome in outcomes(Rule(FaultKind.THROTTLE, rate, seed=3), 4000))
    assert hit / 4000 == pytest.approx(rate, abs=0.03)


def test_half_of_the_errors_come_after_the_effect() -> None:
    found = outcomes(Rule(FaultKind.ERROR, 0.5, seed=3), 4000)
    assert found.count(FaultEffect.LOST) / 4000 == pytest.approx(0.25, abs=0.03)
    assert found.count(FaultEffect.FAILED) / 4000 == pytest.approx(0.25, abs=0.03)


def test_without_rules_every_call_is_answered() -> None:
    assert decide([], "ec2:RunInstances") == Decision(FaultEffect.ANSWERED, 0.0, (), ())


def test_only_calls_of_its_operations_are_a_rules_business() -> None:
    assert decide([ALWAYS], "ec2:RunInstances").outcome is FaultEffect.THROTTLED
    spared = decide([ALWAYS], "ssm:SendCommand")
    assert spared == Decision(FaultEffect.ANSWERED, 0.0, (), (ALWAYS,))


def test_a_rule_ends_after_so_many_hits() -> None:
    tallies: tuple[HitCount, ...] = (HitCount(1, Rule(FaultKind.THROTTLE, 1, times=2)),)
    seen = []
    for _ in range(4):
        decision = decide(tallies, "ec2:RunInstances")
        seen.append(decision.outcome)
        tallies = decision.after
    assert seen == [FaultEffect.THROTTLED] * 2 + [FaultEffect.ANSWERED] * 2
    assert (tallies[0].spent, tallies[0].hits, tallies[0].met) == (True, 2, 2)


def test_a_throttled_call_does_not_reach_the_next_rule() -> None:
    """Otherwise the sequence of one rule would depend on another's."""
    error = HitCount(0, Rule(FaultKind.ERROR, 1))
    decision = decide([error, ALWAYS], "ec2:RunInstances")
    assert decision.outcome is FaultEffect.THROTTLED
    assert after(decision, 0) == error
    assert decision.within == ()


def test_latencies_add_up_whatever_becomes_of_the_call() -> None:
    slow = [HitCount(number, Rule(FaultKind.LATENCY, 0.25)) for number in (5, 6)]
    assert decide([ALWAYS, *slow], "ec2:RunInstances").latency == 0.5


def test_rules_that_hit_within_a_call_wait_for_it() -> None:
    """Only the launch itself knows its instance type, after the template was read."""
    lack = HitCount(2, Rule(FaultKind.CAPACITY))
    assert decide([lack], "ec2:RunInstances").within == (lack,)
    assert decide([lack], "ec2:DescribeInstances").within == ()
    assert decide([lack, ALWAYS], "ec2:RunInstances").within == ()


def test_the_effect_of_a_lost_answer_has_its_faults_too() -> None:
    lost = next(seed for seed in range(100) if drawn(Rule(FaultKind.ERROR, 1, seed=seed), 0) is FaultEffect.LOST)
    slow = HitCount(2, Rule(FaultKind.SLOW_IMAGE, 3))
    assert decide([HitCount(1, Rule(FaultKind.ERROR, 1, seed=lost)), slow], "ec2:CreateImage").within == (slow,)


@given(
    st.builds(
        Rule,
        st.sampled_from([FaultKind.THROTTLE, FaultKind.ERROR, FaultKind.LATENCY]),
        st.floats(0, 1),
        st.lists(st.text(min_size=1), min_size=1).map(tuple),
        st.integers(),
        st.none() | st.integers(1, 9),
    )
)
def test_a_rule_survives_being_told(rule: Rule) -> None:
    assert rule_of(rule.as_json()) == rule


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"kind": "throtle"}, r"no fault 'throtle' \(did you mean 'throttle'\?\)"),
        ({"kind": "throttle", "value": 1.5}, "1.5 is no RATE"),
        ({"kind": "latency", "value": -1}, "-1 is no number of seconds"),
        ({"kind": "latency", "value": float("nan")}, "nan is no number of seconds"),
        ({"kind": "error", "value": 0.5, "times": 0}, "end after 0 hits"),
        ({"kind": "die", "value": 1, "subnet": "subnet-1"}, "knows no instance type"),
        ({"kind": "die", "value": 1, "sed": 1}, r"no 'sed' \(did you mean 'seed'\?\)"),
        ({"kind": "die", "value": "soon"}, "this is no rule"),
    ],
)
def test_what_makes_no_sense_is_refused(told: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        rule_of(told)


def test_every_kind_has_a_name() -> None:
    assert [kind_named(kind.value) for kind in FaultKind] == list(FaultKind)


@pytest.mark.parametrize(
    ("selector", "place", "hit"),
    [
        ({"region": "eu-*"}, CallPlace(region="eu-west-1"), True),
        ({"region": "eu-*"}, CallPlace(region="us-east-1"), False),
        ({"account": "111111111111"}, CallPlace(account="111111111111"), True),
        ({"account": "111111111111"}, CallPlace(account="222222222222"), False),
        ({"resource": "ami-1"}, CallPlace(text="Action=DescribeImages&ImageId.1=ami-1"), True),
        ({"resource": "ami-1"}, CallPlace(text="Action=DescribeImages&ImageId.1=ami-12"), False),
        ({"resource": "/prod/web"}, CallPlace(text='{"Name": "/prod/web"}'), True),
        ({"resource": "/prod/web"}, CallPlace(text='{"Name": "/prod/web-2"}'), False),
    ],
)
def test_a_rule_is_of_an_account_a_region_or_a_resource(
    selector: dict[str, str], place: CallPlace, *, hit: bool
) -> None:
    rule = Rule(FaultKind.DENY, **selector)  # type: ignore[arg-type] # all of these are text
    outcome = decide([HitCount(1, rule)], "ec2:DescribeImages", place).outcome
    assert (outcome is FaultEffect.DENIED) is hit


def test_a_region_that_is_cut_off_is_silent_and_then_breaks() -> None:
    decision = decide([HitCount(1, Rule(FaultKind.CUT_OFF, 30))], "ssm:SendCommand")
    assert (decision.outcome, decision.latency) == (FaultEffect.CUT, 30)
    assert decision.within == ()


def test_only_temporary_credentials_expire() -> None:
    expired = [HitCount(1, Rule(FaultKind.EXPIRED))]
    assert decide(expired, "ec2:RunInstances").outcome is FaultEffect.ANSWERED
    assert decide(expired, "ec2:RunInstances", CallPlace(temporary=True)).outcome is FaultEffect.EXPIRED
