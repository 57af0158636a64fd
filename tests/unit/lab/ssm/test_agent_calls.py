"""What becomes of the first calls of a machine's agent."""

from __future__ import annotations

import pytest

from orchestrator.lab.api.fault_rules import AGENT_CALL, FaultKind, Rule
from orchestrator.lab.api.faults import Faults
from orchestrator.lab.api.recent_ids import RecentIds
from orchestrator.lab.ssm.agent_calls import AgentCalls


class Watch:
    """A clock that is set by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def faults() -> Faults:
    return Faults(RecentIds())


def called(agents: AgentCalls, watch: Watch, instance: str = "i-1") -> list[float]:
    """The pauses between an agent's calls until one is answered well."""
    pauses = []
    while (pause := agents.register(instance, "us-east-1")) is not None:
        pauses.append(pause)
        watch.now += pause
    return pauses


def test_without_faults_the_first_call_is_answered(faults: Faults, watch: Watch) -> None:
    assert called(AgentCalls(faults, 1.0, clock=watch), watch) == []


def test_an_agent_that_is_refused_sleeps_for_five_minutes(faults: Faults, watch: Watch) -> None:
    faults.set(Rule(FaultKind.AGENT_REFUSED, 16))
    agents = AgentCalls(faults, 1.0, clock=watch)
    assert called(agents, watch) == [300]
    assert called(agents, watch, "i-2") == [300]


def test_an_agent_that_is_refused_and_late_comes_when_both_are_over(faults: Faults, watch: Watch) -> None:
    faults.set(Rule(FaultKind.AGENT_REFUSED, 16))
    faults.set(Rule(FaultKind.AGENT_LATE, 309))
    assert called(AgentCalls(faults, 1.0, clock=watch), watch) == [300, 9]


def test_all_waits_of_agents_are_scaled(faults: Faults, watch: Watch) -> None:
    faults.set(Rule(FaultKind.AGENT_REFUSED, 16))
    faults.set(Rule(FaultKind.AGENT_LATE, 309))
    assert called(AgentCalls(faults, 0.1, clock=watch), watch) == pytest.approx([30, 0.9])


def test_a_call_that_is_throttled_now_and_then_is_repeated_by_the_agents_sdk(faults: Faults, watch: Watch) -> None:
    faults.set(Rule(FaultKind.THROTTLE, 1, (AGENT_CALL,), times=3))
    assert called(AgentCalls(faults, 1.0, clock=watch), watch) == []
    faults.set(Rule(FaultKind.THROTTLE, 1, (AGENT_CALL,), times=4))
    assert called(AgentCalls(faults, 1.0, clock=watch), watch) == [300]


def test_metadata_is_missing_as_often_as_the_rule_says_and_for_no_other_rule(faults: Faults, watch: Watch) -> None:
    faults.set(Rule(FaultKind.THROTTLE, 1))
    agents = AgentCalls(faults, 1.0, clock=watch)
    assert agents.find_metadata()
    faults.set(Rule(FaultKind.AGENT_NO_METADATA, times=1))
    assert [agents.find_metadata(), agents.find_metadata()] == [False, True]


def test_a_real_agent_is_refused_as_long_as_the_rule_says(faults: Faults, watch: Watch) -> None:
    """When it calls again is its own business."""
    faults.set(Rule(FaultKind.AGENT_REFUSED, 16))
    agents = AgentCalls(faults, 1.0, clock=watch)
    assert agents.trouble("i-1").refused
    watch.now += 17
    assert not agents.trouble("i-1").refused
    assert agents.trouble("i-2").refused


def test_a_real_agent_is_listed_late(faults: Faults, watch: Watch) -> None:
    faults.set(Rule(FaultKind.AGENT_LATE, 30))
    agents = AgentCalls(faults, 1.0, clock=watch)
    assert agents.trouble("i-1").late == 30
    watch.now += 31
    assert agents.trouble("i-1").late == 0


def test_an_agent_takes_its_time_in_a_realistic_lab(faults: Faults, watch: Watch) -> None:
    assert called(AgentCalls(faults, 1.0, late=30.0, clock=watch), watch) == [30]
    faults.set(Rule(FaultKind.AGENT_LATE, 40))
    assert called(AgentCalls(faults, 1.0, late=30.0, clock=watch), watch) == [40]
