"""Which nodes are there."""

from __future__ import annotations

import pytest

from orchestrator.lab.ssm.delivery_service.registry import Registry
from tests.unit.lab.ssm.delivery_service.conftest import HERE, INSTANCE, OneMachine


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def registry(clock: Clock) -> Registry:
    return Registry(OneMachine(), clock=clock)


def online(registry: Registry) -> bool:
    return registry.online(HERE, INSTANCE) is not None


def test_a_node_is_there_from_its_first_call(registry: Registry) -> None:
    assert not online(registry)
    registry.update(INSTANCE, {"AgentVersion": "3.3.0.0"})
    assert online(registry)


def test_a_short_call_leaves_what_a_full_one_told(registry: Registry) -> None:
    registry.update(INSTANCE, {"PlatformName": "Debian", "AgentVersion": "3.3.0.0"})
    registry.update(INSTANCE, {"AgentVersion": "3.3.1.0"})
    (told,) = registry.describe(HERE, {})["InstanceInformationList"]
    assert (told["PlatformName"], told["AgentVersion"]) == ("Debian", "3.3.1.0")


def test_it_is_lost_some_seconds_after_its_last_connection(registry: Registry, clock: Clock) -> None:
    registry.update(INSTANCE, {})
    registry.connect(INSTANCE)
    clock.now += 3600
    assert online(registry)
    registry.disconnect(INSTANCE)
    assert online(registry)
    clock.now += 5
    assert not online(registry)
    (told,) = registry.describe(HERE, {})["InstanceInformationList"]
    assert told["PingStatus"] == "ConnectionLost"
    registry.update(INSTANCE, {})
    assert online(registry)


def test_an_agent_between_two_polls_is_there(registry: Registry, clock: Clock) -> None:
    registry.update(INSTANCE, {})
    registry.connect(INSTANCE)
    registry.connect(INSTANCE)
    registry.disconnect(INSTANCE)
    clock.now += 60
    assert online(registry)


def test_a_late_agent_is_not_listed_before(registry: Registry, clock: Clock) -> None:
    registry.update(INSTANCE, {}, late=30)
    assert registry.describe(HERE, {})["InstanceInformationList"] == []
    clock.now += 31
    assert online(registry)


@pytest.mark.parametrize(("state", "listed"), [("stopped", ["ConnectionLost"]), ("terminated", [])])
def test_a_machine_that_does_not_run_has_no_agent(clock: Clock, state: str, listed: list[str]) -> None:
    registry = Registry(machine := OneMachine(), clock=clock)
    registry.update(INSTANCE, {})
    machine.state = state
    assert [each["PingStatus"] for each in registry.describe(HERE, {})["InstanceInformationList"]] == listed
    assert not online(registry)
    assert registry.exists(HERE, INSTANCE) == (state == "stopped")
