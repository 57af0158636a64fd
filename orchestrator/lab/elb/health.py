"""The health of a target: what one more check, or its deregistration, makes of it. Pure functions.

Elastic Load Balancing User Guide for Application Load Balancers, "Health checks for Application Load Balancer target
groups": the states, their reasons, and that a target which was just registered is healthy after one check.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class Health(StrEnum):
    """The states of a target."""

    INITIAL = "initial"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    DRAINING = "draining"
    UNUSED = "unused"


@dataclass(frozen=True)
class CheckAnswer:
    """What one health check found: nothing wrong, or a reason and its words."""

    reason: str = ""
    description: str = ""

    @property
    def passed(self) -> bool:
        """Whether the target answered as it should."""
        return not self.reason


@dataclass(frozen=True)
class TargetState:
    """A target that is registered, or was until a moment ago."""

    health: Health = Health.INITIAL
    reason: str = "Elb.RegistrationInProgress"
    description: str = "Target registration is in progress"
    passed: int = 0
    """Checks in a row."""
    failed: int = 0
    """Checks in a row."""
    drained_at: float = 0.0
    """When it stops draining, on the monotonic clock."""


def checked(state: TargetState, finding: CheckAnswer, *, healthy_after: int, unhealthy_after: int) -> TargetState:
    """The state after one more check. What drains is not looked at any more."""
    if state.health is Health.DRAINING:
        return state
    if finding.passed:
        passed = state.passed + 1
        if state.health is Health.INITIAL or state.health is Health.HEALTHY or passed >= healthy_after:
            return TargetState(Health.HEALTHY, "", "", passed)
        return replace(state, passed=passed, failed=0)
    failed = state.failed + 1
    if state.health is Health.UNHEALTHY or failed >= unhealthy_after:
        return TargetState(Health.UNHEALTHY, finding.reason, finding.description, failed=failed)
    if state.health is Health.INITIAL:
        what = "Initial health checks in progress"
        return replace(state, reason="Elb.InitialHealthChecking", description=what, passed=0, failed=failed)
    return replace(state, passed=0, failed=failed)


def draining(until: float) -> TargetState:
    """A target that was deregistered and finishes what it has begun."""
    what = "Target deregistration is in progress"
    return TargetState(Health.DRAINING, "Target.DeregistrationInProgress", what, drained_at=until)


def matches(code: int, wanted: str) -> bool:
    """Whether an HTTP code is one of `200`, `200,301` or `200-299`."""
    for part in wanted.split(","):
        first, _, last = part.strip().partition("-")
        if int(first) <= code <= int(last or first):
            return True
    return False
