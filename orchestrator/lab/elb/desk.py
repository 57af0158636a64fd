"""Where Auto Scaling meets target groups: it registers instances, takes them out, and asks how they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from moto.elbv2.models import elbv2_backends

from orchestrator.lab.elb.health import Health

if TYPE_CHECKING:
    from collections.abc import Collection

    from orchestrator.lab.elb.targets import TargetStates


@dataclass(frozen=True)
class TargetDesk:
    """Speaks for groups (`account_id`, `region`, `target_group_arns`) and their members (`instance_id`)."""

    states: TargetStates

    def register(self, group: Any, member: Any) -> None:
        """Register an instance that runs with all target groups of its group."""
        for each in self._targets(group):
            if member.instance_id not in each.targets:
                each.register([{"Id": member.instance_id, "Port": each.port}])
        self.states.follow()

    def deregister(self, group: Any, member: Any, arns: Collection[str] | None = None) -> None:
        """Let an instance drain from all target groups of its group, or from these."""
        for each in self._targets(group):
            if member.instance_id in each.targets and (arns is None or each.arn in arns):
                each.deregister([{"Id": member.instance_id}])
        self.states.follow()

    def health(self, group: Any, member: Any) -> str:
        """The worst health of an instance; empty when nobody looks at it."""
        found = {self.states.state(each, member.instance_id).health for each in self._targets(group)}
        order = (Health.UNHEALTHY, Health.DRAINING, Health.INITIAL, Health.HEALTHY)
        return next((each.value for each in order if each in found), "")

    def drained(self, group: Any, member: Any) -> bool:
        """Whether no target group waits for the connections of an instance any more."""
        self.states.follow()
        found = [self.states.state(each, member.instance_id).health for each in self._targets(group)]
        return Health.DRAINING not in found

    @staticmethod
    def _targets(group: Any) -> list[Any]:
        known = elbv2_backends[group.account_id][group.region].target_groups
        return [known[arn] for arn in group.target_group_arns if arn in known]
