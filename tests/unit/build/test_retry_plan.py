"""Which attempt comes next, and where."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.build.ansible.tasks import TaskEvent, TaskOutcome
from orchestrator.build.cause import Cause, FailureEvidence
from orchestrator.build.failure import BuildFailed
from orchestrator.build.retry_plan import RetryPlan

FULL = "Error launching source instance: InsufficientInstanceCapacity: none"
NO_ADDRESS = "Error launching source instance: InsufficientFreeAddressesInSubnet: none"
LOST = "unexpected EOF"
FAULT = "Error creating AMI: InvalidAMIName.Duplicate: x"
REFUSED = "Error launching source instance: UnauthorizedOperation: no\n\tstatus code: 403"

PLACES = (("small", "subnet-1"), ("small", "subnet-2"), ("large", "subnet-1"), ("large", "subnet-2"))


def failed(*errors: str, early: bool = False) -> BuildFailed:
    return BuildFailed("web", log=Path("log"), evidence=FailureEvidence(errors=errors, early=early))


def then(plan: RetryPlan | None) -> RetryPlan:
    assert plan is not None
    return plan


def test_a_full_place_is_left_for_the_next() -> None:
    plan = then(RetryPlan(PLACES).after(failed(FULL)))
    assert plan.place == ("small", "subnet-2")
    assert plan.story == ("attempt 1: no capacity for small in subnet-1",)


def test_a_subnet_without_addresses_is_not_tried_with_another_type() -> None:
    assert then(RetryPlan(PLACES).after(failed(NO_ADDRESS))).places == (("small", "subnet-2"), ("large", "subnet-2"))


def test_the_last_full_place_is_the_end_and_all_are_told() -> None:
    plan: RetryPlan | None = RetryPlan(PLACES)
    for _ in PLACES[:-1]:
        plan = then(plan).after(failed(FULL))
    assert then(plan).after(failed(FULL)) is None
    told = failed(FULL).after(then(plan).story).message
    assert [
        place for place in ("small in subnet-1", "small in subnet-2", "large in subnet-1") if place not in told
    ] == []


def test_a_lost_machine_is_made_up_for_once_in_the_same_place() -> None:
    plan = then(RetryPlan(PLACES).after(failed(LOST)))
    assert (plan.place, plan.number) == (PLACES[0], 2)
    assert plan.pause == 0
    assert plan.after(failed(LOST)) is None
    assert plan.after(failed(FAULT)) is None


def test_calls_that_aws_failed_before_there_was_a_machine_are_made_up_for_after_longer_and_longer_pauses() -> None:
    """Three times; then as any other that was lost."""
    plan = RetryPlan(PLACES)
    pauses = []
    for _ in range(3):
        plan = then(plan.after(failed(FAULT, early=True)))
        pauses.append(plan.pause)
    assert (plan.place, plan.number, pauses) == (PLACES[0], 4, [2, 4, 8])
    plan = then(plan.after(failed(FAULT, early=True)))
    assert (plan.number, plan.after(failed(FAULT, early=True))) == (5, None)


def test_only_what_nobody_wrote_is_tried_again() -> None:
    task = TaskEvent("", "base", "base.yml", "marker", "Leave a mark", TaskOutcome.FAILED, 1.5, "no such file")
    by_cause = {
        Cause.TASK: BuildFailed("web", log=Path("log"), evidence=FailureEvidence(task=task)),
        Cause.CAPACITY: failed(FULL),
        Cause.LOST: failed(LOST),
        Cause.FAULT: failed(FAULT),
        Cause.REFUSED: failed(REFUSED),
        Cause.OTHER: failed("Script exited with non-zero exit status: 1. Allowed exit codes are: [0]"),
    }
    assert {cause: one.cause for cause, one in by_cause.items()} == {cause: cause for cause in Cause}
    again = [cause for cause, one in by_cause.items() if RetryPlan(PLACES).after(one)]
    assert again == [Cause.CAPACITY, Cause.LOST, Cause.FAULT]


@given(st.lists(st.sampled_from([FULL, NO_ADDRESS, LOST, FAULT, REFUSED]), min_size=10, max_size=10))
def test_attempts_come_to_an_end(errors: list[str]) -> None:
    """However attempts fail, there is one for each place, and four more at most; each is told once."""
    plan: RetryPlan | None = RetryPlan(PLACES)
    count = 0
    while plan is not None:
        assert (plan.number, len(plan.story)) == (count + 1, count)
        plan = plan.after(failed(errors[count], early=count % 2 == 0))
        count += 1
    assert count <= len(PLACES) + 4


def test_on_demand_capacity_follows_spot_capacity_that_is_nowhere() -> None:
    """Each place is tried for spot capacity first, then each for on-demand capacity."""
    plan = RetryPlan(PLACES[:2], on_demand=PLACES[:2])
    tried = [(plan.place, plan.spot)]
    while (following := plan.after(failed(FULL))) is not None:
        plan = following
        tried.append((plan.place, plan.spot))
    assert tried == [(PLACES[0], True), (PLACES[1], True), (PLACES[0], False), (PLACES[1], False)]
    assert plan.story[:2] == (
        "attempt 1: no spot capacity for small in subnet-1",
        "attempt 2: no spot capacity for small in subnet-2",
    )


def test_a_fleet_without_spot_capacity_is_a_full_place() -> None:
    """Packer passes on what CreateFleet says, and not the code that it says it with."""
    begin = "Error waiting for fleet request (fleet-1) to become ready:"
    for said in (
        "There is no Spot capacity available that matches your request.",
        "Your Spot request price of 0.001 is lower than the minimum required Spot request fulfillment price of 0.006.",
        "Max spot instance count exceeded",
    ):
        assert failed(begin + said).cause is Cause.CAPACITY
