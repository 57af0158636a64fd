"""Answers of Elastic Load Balancing that reach HAProxy, or are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.elbv2.exceptions import TargetGroupNotFoundError
from moto.elbv2.responses import ELBV2Response

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.elb.balancer import forwarded

if TYPE_CHECKING:
    from orchestrator.lab.elb.balancer import Balancer

#: What the lab does not do.
_NOT_DONE = ("CreateRule", "ModifyRule", "SetRulePriorities", "AddListenerCertificates")
#: What listeners may speak.
_PROTOCOLS = ("HTTP", "TCP")


class LabElbResponse(ELBV2Response):
    """moto's answers, with those of the lab in their place."""

    balancer: Balancer

    def call_action(self) -> Any:
        """Any call that the lab does; HAProxy follows what it changed."""
        action = self._get_action()
        if action in _NOT_DONE:
            raise AwsFault("UnsupportedOperation", f"The lab does not do {action}: a listener has one target group.")
        answer = super().call_action()
        if not action.startswith("Describe"):
            self.balancer.states.follow()
            self.balancer.follow()
        return answer

    def create_load_balancer(self) -> ActionResult:
        """CreateLoadBalancer, with an address on the lab's network."""
        if self.params.get("Type", "application") == "gateway":
            raise AwsFault("UnsupportedOperation", "The lab has no gateway load balancers.")
        answer = super().create_load_balancer()
        (made,) = answer.result["LoadBalancers"]  # type: ignore[index] # moto's dict
        self.balancer.place(made)
        return answer

    def delete_load_balancer(self) -> ActionResult:
        """DeleteLoadBalancer; one that is not there is no error, as on AWS."""
        made = self.elbv2_backend.load_balancers.get(self.params["LoadBalancerArn"])
        answer = super().delete_load_balancer()
        if made is not None:
            self.balancer.free(made.dns_name)
        return answer

    def create_listener(self) -> ActionResult:
        """CreateListener, when HAProxy is there and the lab can forward so."""
        self._check_listener()
        return super().create_listener()

    def modify_listener(self) -> ActionResult:
        """ModifyListener, when the lab can forward so."""
        self._check_listener()
        return super().modify_listener()

    def _check_listener(self) -> None:
        self.balancer.check()
        if self.params.get("Protocol", "HTTP") not in _PROTOCOLS:
            what = f"The lab's listeners speak {' and '.join(_PROTOCOLS)}, not {self.params['Protocol']}."
            raise AwsFault("UnsupportedOperation", what)
        for action in self.params.get("DefaultActions", []):
            forwarded(action)

    def describe_target_health(self) -> ActionResult:
        """DescribeTargetHealth: what the health checks found."""
        group = self.elbv2_backend.target_groups.get(self.params["TargetGroupArn"])
        if group is None:
            raise TargetGroupNotFoundError
        states = self.balancer.states
        states.follow()
        gone = {**group.deregistered_targets, **group.terminated_targets}
        known = {**gone, **group.targets}
        asked = self.params.get("Targets") or list(known.values())
        told = []
        for target in asked:
            state = states.state(group, target["Id"])
            health = {"State": state.health.value, "Reason": state.reason, "Description": state.description}
            port = int(target.get("Port") or known.get(target["Id"], {}).get("Port") or group.port)
            told.append(
                {
                    "Target": {"Id": target["Id"], "Port": port},
                    "HealthCheckPort": str(
                        port if group.health_check_port == "traffic-port" else group.health_check_port
                    ),
                    "TargetHealth": {key: value for key, value in health.items() if value},
                }
            )
        return ActionResult({"TargetHealthDescriptions": told})
