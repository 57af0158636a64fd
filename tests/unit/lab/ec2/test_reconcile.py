from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.lab.ec2.reconcile import Do, MachineAction, Wanted, steps
from orchestrator.lab.host.podman import Container


def container(*, running: bool, exit_code: int = 0, instance_id: str = "i-1") -> Container:
    return Container(f"c-{instance_id}", instance_id, running, exit_code, 0)


def wanted(
    state: str, *, made: bool = True, rebooting: bool = False, lost: bool = False, booting: bool = False
) -> Wanted:
    target_state = {"pending": "running", "stopping": "stopped", "shutting-down": "terminated"}.get(state, state)
    return Wanted("i-1", state, target_state, made=made, rebooting=rebooting, booting=booting, lost=lost)


@pytest.mark.parametrize(
    ("one", "present", "do"),
    [
        (wanted("pending", made=False), None, Do.LAUNCH),
        (wanted("pending"), container(running=True), Do.SETTLE),
        (wanted("pending"), container(running=False), Do.START),
        (wanted("pending", booting=True), container(running=True), None),
        (wanted("pending", booting=True, lost=True), container(running=True), Do.KILL),
        (wanted("shutting-down", booting=True), container(running=True), Do.REMOVE),
        (wanted("running"), container(running=True), None),
        (wanted("running", rebooting=True), container(running=True), Do.REBOOT),
        (wanted("running"), container(running=False, exit_code=129), Do.START),
        (wanted("pending", made=False, lost=True), None, Do.LAUNCH),
        (wanted("running", lost=True), container(running=True), Do.KILL),
        (wanted("running", lost=True), container(running=False, exit_code=137), Do.DIED),
        (wanted("stopping", lost=True), container(running=True), Do.STOP),
        (wanted("running"), container(running=False, exit_code=130), Do.DIED),
        (wanted("running"), container(running=False, exit_code=137), Do.DIED),
        (wanted("running"), None, Do.VANISHED),
        (wanted("stopping"), container(running=True), Do.STOP),
        (wanted("stopping"), container(running=False), Do.SETTLE),
        (wanted("stopping", made=False), None, Do.SETTLE),
        (wanted("stopped"), container(running=False), None),
        (wanted("stopped"), None, Do.VANISHED),
        (wanted("shutting-down"), container(running=True), Do.REMOVE),
        (wanted("shutting-down"), None, Do.SETTLE),
        (wanted("terminated"), None, None),
    ],
)
def test_next_step(one: Wanted, present: Container | None, do: Do | None) -> None:
    expected = [] if do is None else [MachineAction(do, "i-1")]
    assert steps([one], [present] if present else []) == expected


def test_a_machine_without_an_instance_is_removed() -> None:
    assert steps([], [container(running=True)]) == [MachineAction(Do.REMOVE, "i-1")]


def test_a_container_that_is_no_machine_is_left_alone() -> None:
    assert steps([], [container(running=True, instance_id="")]) == []


def test_what_is_being_worked_on_is_left_alone() -> None:
    assert steps([wanted("stopping")], [container(running=True)], {"i-1"}) == []


STATES = ("pending", "running", "stopping", "stopped", "shutting-down", "terminated")


@given(state=st.sampled_from(STATES), made=st.booleans(), running=st.booleans(), there=st.booleans())
def test_an_instance_has_at_most_one_next_step(*, state: str, made: bool, running: bool, there: bool) -> None:
    present = [container(running=running)] if there else []
    assert len(steps([wanted(state, made=made)], present)) <= 1
