"""Answers of Auto Scaling that moto gives without a look at what was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from moto.autoscaling.responses import AutoScalingResponse
from moto.ec2.exceptions import EC2ClientError

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.autoscaling.group import check_launchable

if TYPE_CHECKING:
    from moto.core.responses import ActionResult

    from orchestrator.lab.autoscaling.group import LabGroup

#: What a group may be asked for and does not do here.
_NOT_DONE = {
    "MixedInstancesPolicy": "name a launch template",
    "InstanceMaintenancePolicy": "say it in the preferences of a refresh",
    "LifecycleHookSpecificationList": "there are no lifecycle hooks",
    "MaxInstanceLifetime": "instances have no age here",
    "TrafficSources": "use TargetGroupARNs",
    "LoadBalancerNames": "use TargetGroupARNs",
}
_HOOKS = ("PutLifecycleHook", "PutWarmPool", "AttachLoadBalancers", "AttachTrafficSources")
#: These name a group that need not be there.
_NEW = ("CreateAutoScalingGroup", "DescribeTags")


class LabAutoScalingResponse(AutoScalingResponse):
    """moto's answers, with those of the lab in their place."""

    def call_action(self) -> Any:
        """Any call, once its group is known to be there, and nothing is asked for that the lab does not do."""
        action, parameters = self._get_action(), self.params
        for name, instead in _NOT_DONE.items():
            if parameters.get(name):
                raise AwsFault("UnsupportedOperation", f"The lab does not do {name}: {instead}.")
        if action in _HOOKS:
            raise AwsFault("UnsupportedOperation", f"The lab does not do {action}.")
        name = parameters.get("AutoScalingGroupName")
        if name and action not in _NEW and name not in self.autoscaling_backend.autoscaling_groups:
            what = f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found"
            raise AwsFault("ValidationError", what)
        try:
            return super().call_action()
        except EC2ClientError as error:
            what = f"You must use a valid fully-formed launch template. {error.message}"
            raise AwsFault("ValidationError", what) from None

    def create_auto_scaling_group(self) -> ActionResult:
        """CreateAutoScalingGroup: the name is new, the sizes agree, and the launch template would launch."""
        name = self.params["AutoScalingGroupName"]
        if name in self.autoscaling_backend.autoscaling_groups:
            what = f"AutoScalingGroup by this name already exists - A group with the name {name} already exists"
            raise AwsFault("AlreadyExists", what)
        _check_sizes(self.params, self.params["MinSize"], self.params["MaxSize"], None)
        answer = super().create_auto_scaling_group()
        try:
            self._settle(self._group(name))
        except AwsFault:
            del self.autoscaling_backend.autoscaling_groups[name]
            raise
        return answer

    def update_auto_scaling_group(self) -> ActionResult:
        """UpdateAutoScalingGroup: what is not said stays as it is."""
        group = self._group(self.params["AutoScalingGroupName"])
        least, most = self.params.get("MinSize", group.min_size), self.params.get("MaxSize", group.max_size)
        _check_sizes(self.params, least, most, group.desired_capacity)
        before = (group.ec2_launch_template, getattr(group, "launch_template_version", ""))
        policy = group.mixed_instances_policy
        answer = super().update_auto_scaling_group()
        group.mixed_instances_policy = policy
        try:
            self._settle(group)
        except AwsFault:
            group.ec2_launch_template, group.launch_template_version = before
            raise
        return answer

    def set_desired_capacity(self) -> ActionResult:
        """SetDesiredCapacity, between the sizes of the group."""
        group = self._group(self.params["AutoScalingGroupName"])
        _check_sizes(self.params, group.min_size, group.max_size, None)
        return super().set_desired_capacity()

    def _group(self, name: str) -> LabGroup:
        return cast("LabGroup", self.autoscaling_backend.autoscaling_groups[name])

    def _settle(self, group: LabGroup) -> None:
        """Check what the group launches from, and keep what moto forgets."""
        check_launchable(group.ec2_backend, group.recipe())
        if self.params.get("DefaultInstanceWarmup") is not None:
            group.default_instance_warmup = int(self.params["DefaultInstanceWarmup"])
        if self.params.get("HealthCheckGracePeriod") is not None:
            group.health_check_grace_period = int(self.params["HealthCheckGracePeriod"])


def _check_sizes(parameters: dict[str, Any], least: Any, most: Any, known: int | None) -> None:
    least, most = int(least or 0), int(most or 0)
    if least > most:
        raise AwsFault("ValidationError", f"Max bound, {most}, must be greater than or equal to min bound, {least}")
    given = parameters.get("DesiredCapacity", known)
    if given is not None and known is None and not least <= int(given) <= most:
        what = f"Desired capacity:{given} must be between the specified min size:{least} and max size:{most}"
        raise AwsFault("ValidationError", what)
