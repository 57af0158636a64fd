"""Which states may follow which."""

from __future__ import annotations

import pytest

from orchestrator.errors import StageError
from orchestrator.registry.states import FIRST, TRANSITIONS, State, can_be_tested, check_transition, may_follow


def reachable(state: State) -> set[State]:
    """Every state that may follow in one step or more."""
    found: set[State] = set()
    waiting = [state]
    while waiting:
        new = set(TRANSITIONS[waiting.pop()]) - found
        found |= new
        waiting += new
    return found


def test_each_state_has_its_row() -> None:
    assert set(TRANSITIONS) == set(State)
    assert reachable(FIRST) == set(State) - {FIRST}


@pytest.mark.parametrize("state", [State.DISABLED, State.REVOKED])
def test_nothing_leads_back_from_what_is_retired(state: State) -> None:
    """Not in several steps either."""
    assert reachable(state) <= {State.DISABLED, State.REVOKED}
    assert not can_be_tested(state)


@pytest.mark.parametrize("state", State)
def test_whatever_is_used_can_be_retired(state: State) -> None:
    assert may_follow(state, State.REVOKED)
    assert may_follow(state, State.DISABLED) == (state is not State.REVOKED)


@pytest.mark.parametrize("state", [State.BUILT, State.VALIDATED, State.REJECTED, State.DEPRECATED])
def test_a_verdict_may_be_given_again(state: State) -> None:
    assert can_be_tested(state)
    check_transition("ami-1", state, State.VALIDATED)
    check_transition("ami-1", state, State.REJECTED)


def test_the_refusal_says_what_to_do() -> None:
    with pytest.raises(StageError, match="ami-1 is revoked, and cannot become validated") as refused:
        check_transition("ami-1", State.REVOKED, State.VALIDATED)
    assert "ami build" in refused.value.hint
