"""The targets of all target groups: who is registered, how they are, and who is asked next."""

from __future__ import annotations

import ipaddress
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from moto.elbv2.models import elbv2_backends

from orchestrator.lab.elb.checks import HealthCheck
from orchestrator.lab.elb.health import Health, TargetState, checked, draining

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestrator.lab.tables import Tables

    #: A target group's ARN and a target's id.
    Key = tuple[str, str]

#: How many targets are asked at once.
_HANDS = 8


@dataclass
class TargetStates:
    """How all targets are; `lab.every` calls it."""

    tables: Tables
    changed: Callable[[], None] = lambda: None
    """Called with the tables held whenever who may serve has changed."""
    _states: dict[Key, TargetState] = field(default_factory=dict)
    _due: dict[Key, float] = field(default_factory=dict)
    _hands: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(_HANDS, thread_name_prefix="target"))

    def __call__(self) -> None:
        """Ask the targets whose time has come."""
        with self.tables.lock:
            self.follow()
            asked = list(self._next())
        found = list(self._hands.map(lambda each: each[2].ask(), asked))
        with self.tables.lock:
            for (key, group, _), finding in zip(asked, found, strict=True):
                if key in self._states:
                    self._states[key] = checked(
                        self._states[key],
                        finding,
                        healthy_after=int(group.healthy_threshold_count),
                        unhealthy_after=int(group.unhealthy_threshold_count),
                    )
            self.changed()

    def follow(self) -> None:
        """Agree with the target groups: who is new begins, who is deregistered drains, and is forgotten in time."""
        now = time.monotonic()
        seen: set[Key] = set()
        for group in target_groups():
            for target in group.targets:
                key = (group.arn, target)
                seen.add(key)
                if key not in self._states or self._states[key].health is Health.DRAINING:
                    self._states[key] = TargetState()
                    self._due[key] = now + self.tables.times.target_health
            for gone in (group.deregistered_targets, group.terminated_targets):
                for target in list(gone):
                    key = (group.arn, target)
                    if self._drains(key, group, now):
                        seen.add(key)
                    else:
                        del gone[target]
        self._states = {key: state for key, state in self._states.items() if key in seen}

    def _drains(self, key: Key, group: Any, now: float) -> bool:
        state = self._states.get(key)
        if state is None:
            return False
        if state.health is not Health.DRAINING:
            delay = float(group.attributes["deregistration_delay.timeout_seconds"])
            used = in_use(group)
            state = self._states[key] = draining(now + delay if used else now)
            self.changed()
        return now < state.drained_at

    def _next(self) -> Iterator[tuple[Key, Any, HealthCheck]]:
        now = time.monotonic()
        for group in target_groups():
            for target, told in group.targets.items():
                key, address = (group.arn, target), self.address(group, target)
                if address and in_use(group) and self._due[key] <= now:
                    self._due[key] = now + float(group.health_check_interval_seconds)
                    check = check_of(group, address, int(told["Port"]))
                    yield key, group, replace(check, within=self._within(address))

    def _within(self, address: str) -> bool:
        try:
            return ipaddress.IPv4Address(address) in self.tables.subnet
        except ValueError:
            return False

    def address(self, group: Any, target: str) -> str:
        """Where a target is; empty while it does not run."""
        if not target.startswith("i-"):
            return target
        instance = self.tables.backend(group.region_name, group.account_id).get_instance_by_id(target)
        return str(instance.private_ip) if instance is not None and instance.state == "running" else ""

    def state(self, group: Any, target: str) -> TargetState:
        """How a target is now."""
        state = self._states.get((group.arn, target))
        if state is None:
            what = "Target is not registered to the target group"
            return TargetState(Health.UNUSED, "Target.NotRegistered", what)
        if state.health is Health.DRAINING:
            return state
        if not in_use(group):
            what = "Target group is not configured to receive traffic from the load balancer"
            return TargetState(Health.UNUSED, "Target.NotInUse", what)
        if not self.address(group, target):
            return TargetState(Health.UNUSED, "Target.InvalidState", "Target is in the stopped state")
        return state

    def serving(self, group: Any) -> list[tuple[str, int]]:
        """Addresses and ports that get requests: the healthy targets, and all of them when none is healthy."""
        known = [
            (self.state(group, target).health, self.address(group, target), int(told["Port"]))
            for target, told in group.targets.items()
        ]
        healthy = [(address, port) for health, address, port in known if health is Health.HEALTHY]
        return healthy or [(address, port) for _, address, port in known if self._within(address)]


def target_groups() -> list[Any]:
    """The target groups of all accounts and regions."""
    backends = [backend for regions in list(elbv2_backends.values()) for backend in list(regions.values())]
    return [group for backend in backends for group in list(backend.target_groups.values())]


def in_use(group: Any) -> bool:
    """Whether a listener forwards to a target group."""
    backend = elbv2_backends[group.account_id][group.region_name]
    return bool(backend._any_listener_using(group.arn))  # noqa: SLF001 - moto tells it in no other way


def check_of(group: Any, address: str, port: int) -> HealthCheck:
    """The health check of a target group, for one target."""
    asked = str(group.health_check_port)
    protocol = "HTTP" if str(group.health_check_protocol) == "HTTP" else "TCP"
    return HealthCheck(
        address,
        port if asked == "traffic-port" else int(asked),
        protocol,
        str(group.health_check_path or "/"),
        str(getattr(group, "matcher", {}).get("HttpCode") or "200"),
        float(group.health_check_timeout_seconds),
    )
