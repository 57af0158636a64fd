from __future__ import annotations

import pytest

from orchestrator.lab.elb.health import CheckAnswer, Health, TargetState, checked, draining, matches

WELL, ILL = CheckAnswer(), CheckAnswer("Target.Timeout", "Request timed out")


def after(*findings: CheckAnswer, state: TargetState | None = None) -> TargetState:
    state = state or TargetState()
    for finding in findings:
        state = checked(state, finding, healthy_after=3, unhealthy_after=2)
    return state


@pytest.mark.parametrize(
    ("findings", "health"),
    [
        ((), Health.INITIAL),
        ((WELL,), Health.HEALTHY),
        ((ILL,), Health.INITIAL),
        ((ILL, WELL), Health.HEALTHY),
        ((ILL, ILL), Health.UNHEALTHY),
        ((WELL, ILL), Health.HEALTHY),
        ((WELL, ILL, WELL, ILL), Health.HEALTHY),
        ((WELL, ILL, ILL), Health.UNHEALTHY),
        ((ILL, ILL, WELL, WELL), Health.UNHEALTHY),
        ((ILL, ILL, WELL, WELL, WELL), Health.HEALTHY),
        ((ILL, ILL, WELL, WELL, ILL, WELL), Health.UNHEALTHY),
    ],
)
def test_what_checks_make_of_a_target(findings: tuple[CheckAnswer, ...], health: Health) -> None:
    """One check makes a new target healthy; later the thresholds count, in a row."""
    assert after(*findings).health is health


def test_an_unhealthy_target_has_a_reason_and_a_healthy_one_has_none() -> None:
    assert (after(ILL, ILL).reason, after(WELL).reason) == ("Target.Timeout", "")


def test_what_drains_is_not_looked_at() -> None:
    assert after(WELL, state=draining(9.0)).health is Health.DRAINING


@pytest.mark.parametrize(
    ("code", "wanted", "fits"),
    [(200, "200", True), (204, "200", False), (301, "200,301", True), (250, "200-299", True), (300, "200-299", False)],
)
def test_codes(code: int, wanted: str, fits: bool) -> None:  # noqa: FBT001 a parameter of a test
    assert matches(code, wanted) is fits
