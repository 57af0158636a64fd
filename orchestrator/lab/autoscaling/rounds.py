"""The rounds of Auto Scaling: each looks at every group, decides, and launches, registers and terminates.

Decisions are in `capacity.py` and `refresh/deciding.py`; here they take effect. The words of causes and messages are
those of Auto Scaling where its User Guide shows them.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from moto.autoscaling.models import ASG_NAME_TAG, autoscaling_backends
from moto.core.exceptions import ServiceException

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.api.events import AwsEvent
from orchestrator.lab.api.fault_rules import HEALTH_CHECK, CallPlace
from orchestrator.lab.autoscaling.activities import ScalingActivity, at
from orchestrator.lab.autoscaling.capacity import Lifecycle, emptiest, scale
from orchestrator.lab.autoscaling.group import LabMember, Recipe, each_group
from orchestrator.lab.autoscaling.refresh.deciding import Scene, decide
from orchestrator.lab.autoscaling.telling import tell_refresh
from orchestrator.lab.kms.acting import acting_as, auto_scaling

if TYPE_CHECKING:
    from orchestrator.lab.api.faults import Faults
    from orchestrator.lab.autoscaling.group import LabGroup, Refresh
    from orchestrator.lab.elb.desk import TargetDesk
    from orchestrator.lab.tables import Tables

LOG = logging.getLogger(__name__)


@dataclass
class GroupRounds:
    """What `lab.every` calls."""

    tables: Tables
    targets: TargetDesk
    faults: Faults

    def __call__(self) -> None:
        """One round over all groups."""
        with self.tables.lock:
            for group in each_group(backends):
                try:
                    self._round(group)
                except Exception:
                    LOG.exception("the group %s", group.name)

    def _round(self, group: LabGroup) -> None:
        for member in list(group.members):
            self._follow(group, member)
        if group.deleted and not group.members:
            group.autoscaling_backend.autoscaling_groups.pop(group.name, None)
            return
        self._end_unhealthy(group)
        self._resize(group)

    # -- instances ---------------------------------------------------------------------------------------------

    def _follow(self, group: LabGroup, member: LabMember) -> None:
        """Let an instance go on: pending to in service, terminating to gone; and see how it is."""
        state = member.instance.state
        match Lifecycle(member.lifecycle_state):
            case Lifecycle.PENDING | Lifecycle.IN_SERVICE if state == "running" and member.since is None:
                self._enter(group, member)
            case Lifecycle.PENDING | Lifecycle.IN_SERVICE if state not in ("pending", "running"):
                self._lost(group, member)
            case Lifecycle.IN_SERVICE if self._spoiled(group, member):
                member.health_status = "Unhealthy"
            case Lifecycle.IN_SERVICE:
                self._check_targets(group, member)
            case Lifecycle.TERMINATING:
                self._leave(group, member)

    def _spoiled(self, group: LabGroup, member: LabMember) -> bool:
        """Whether a fault keeps an instance from being healthy."""
        place = CallPlace(group.account_id, group.region, f"{group.name} {member.instance_id}")
        return self.faults.within(HEALTH_CHECK, place).unhealthy()

    def _enter(self, group: LabGroup, member: LabMember) -> None:
        member.lifecycle_state, member.since = Lifecycle.IN_SERVICE.value, time.monotonic()
        self.targets.register(group, member)
        member.target_health = self.targets.health(group, member)
        if member.activity is not None:
            member.activity.end("Successful")
        self._tell(group, "EC2 Instance Launch Successful", member.activity)
        group.retry.worked()
        place = CallPlace(group.account_id, group.region, group.name)
        if self.faults.within(HEALTH_CHECK, place).unhealthy():
            member.health_status = "Unhealthy"
            member.cause = "an instance was taken out of service in response to an ELB system health check failure."

    def _lost(self, group: LabGroup, member: LabMember) -> None:
        """It stopped or was terminated behind the group's back, or never came to run."""
        if member.lifecycle_state == Lifecycle.PENDING.value and member.activity is not None:
            why = member.instance.state_reason.message if member.instance.state_reason else ""
            what = "Instance became unhealthy while waiting for instance to be in InService state."
            member.activity.end("Failed", f"{what} Termination Reason: {why}")
            self._tell(group, "EC2 Instance Launch Unsuccessful", member.activity)
            group.retry.failed()
        member.health_status = "Unhealthy"
        member.cause = member.cause or (
            "an instance was taken out of service in response to an EC2 health check indicating it has been "
            "terminated or stopped."
        )

    def _check_targets(self, group: LabGroup, member: LabMember) -> None:
        member.target_health = self.targets.health(group, member)
        grace = float(group.health_check_grace_period or 0)
        over = member.since is not None and time.monotonic() - member.since >= grace
        if "ELB" in str(group.health_check_type) and over and member.target_health == "unhealthy":
            member.health_status = "Unhealthy"
            member.cause = "an instance was taken out of service in response to an ELB system health check failure."

    def _leave(self, group: LabGroup, member: LabMember) -> None:
        """Terminate once its connections are drained; forget it once it is gone."""
        if member.instance.state not in ("shutting-down", "terminated"):
            if not self.targets.drained(group, member):
                if member.activity is not None:
                    member.activity.status = "WaitingForELBConnectionDraining"
                return
            member.instance.terminate()
        if member.instance.state == "terminated":
            group.instance_states.remove(member)
            if member.activity is not None:
                member.activity.end("Successful")
            self._tell(group, "EC2 Instance Terminate Successful", member.activity)

    # -- decisions ---------------------------------------------------------------------------------------------

    def _end_unhealthy(self, group: LabGroup) -> None:
        for member in list(group.members):
            wanted = member.lifecycle_state in (Lifecycle.PENDING.value, Lifecycle.IN_SERVICE.value)
            suspended = {each["ProcessName"] for each in group.suspended_processes}
            if wanted and (member.cause or member.health_status == "Unhealthy") and "ReplaceUnhealthy" not in suspended:
                refresh = group.refresh
                if (
                    refresh is not None
                    and member.instance_id not in refresh.progress.old
                    and not member.cause.endswith("user request.")
                ):
                    refresh.progress = replace(refresh.progress, failures=refresh.progress.failures + 1)
                cause = member.cause or ("an instance was taken out of service in response to a user health-check.")
                group.end(member, cause)

    def _resize(self, group: LabGroup) -> None:
        refresh = None if group.deleted else group.refresh
        if refresh is not None:
            self._refresh(group, refresh)
            return
        recipe, lack = Recipe(), ""
        try:
            recipe = group.recipe()
        except AwsFault as fault:
            lack = fault.message  # its template or version was deleted
        step = scale(group.view(0.0, with_targets=False), int(group.desired_capacity or 0), recipe.key)
        cause = "an instance was started in response to a difference between desired and actual capacity, increasing "
        cause = f"{cause}the capacity by {step.launch}."
        if lack and step.launch and time.monotonic() >= group.retry.due:
            self._failed(group, self._begun(group, cause), lack)
        elif not lack:
            self._launch(group, recipe, step.launch, cause)
        for instance_id in step.terminate:
            why = (
                "an instance was taken out of service in response to a difference between desired and actual capacity."
            )
            group.end(self._member(group, instance_id), why)

    def _refresh(self, group: LabGroup, refresh: Refresh) -> None:
        before = refresh.progress
        wanted = before.preferences
        scene = Scene(
            group.view(wanted.warmup, with_targets="ELB" in str(group.health_check_type)),
            int(group.desired_capacity or 0),
            time.monotonic(),
            alarmed(group, wanted.alarms),
            refresh.able,
        )
        decision = decide(before, scene)
        refresh.progress = decision.progress
        tell_refresh(self.tables, group, refresh, before)
        back = refresh.progress.rolled_back_at is not None
        recipe = group.recipe() if back else refresh.recipe
        cause = f"an instance was launched in response to an instance refresh ({refresh.refresh_id})."
        failed = self._launch(group, recipe, decision.launch, cause)
        if failed:
            refresh.progress = replace(refresh.progress, failures=refresh.progress.failures + 1)
        elif refresh.progress.percent != before.percent:
            refresh.progress = replace(refresh.progress, failures=0)
        for instance_id in decision.terminate:
            why = "an instance was taken out of service in response to an instance refresh."
            group.end(self._member(group, instance_id), why)

    # -- effects -----------------------------------------------------------------------------------------------

    def _launch(self, group: LabGroup, recipe: Recipe, number: int, cause: str) -> bool:
        """Launch so many, one activity for each. Returns whether one failed."""
        suspended = {each["ProcessName"] for each in group.suspended_processes}
        if number < 1 or time.monotonic() < group.retry.due or "Launch" in suspended:
            return False
        for _ in range(number):
            activity = self._begun(group, cause)
            try:
                self._start(group, recipe, activity)
            except (ServiceException, AwsFault) as error:
                self._failed(group, activity, f"{error.message} Launching EC2 instance failed.")
                return True
        return False

    @staticmethod
    def _begun(group: LabGroup, cause: str) -> ScalingActivity:
        activity = ScalingActivity(group.name, "Launching a new EC2 instance", f"At {at()} {cause}")
        group.activities.insert(0, activity)
        return activity

    def _failed(self, group: LabGroup, activity: ScalingActivity, what: str) -> None:
        """Say that a launch failed; the next one waits."""
        activity.description += f".  Status Reason: {what}"
        activity.end("Failed", what)
        self._tell(group, "EC2 Instance Launch Unsuccessful", activity)
        group.retry.failed()

    def _start(self, group: LabGroup, recipe: Recipe, activity: ScalingActivity) -> None:
        subnet = emptiest(subnets_of(group), group.view(0.0, with_targets=False))
        arguments = launch_arguments(group, recipe)
        place = CallPlace(group.account_id, group.region, f"{group.name} {recipe.template_id}")
        trouble = self.faults.within("ec2:RunInstances", place)
        with self.tables.answering(trouble), acting_as(auto_scaling(group.ec2_backend.account_id)):
            (instance,) = group.ec2_backend.run_instances(
                arguments.pop("image_id"),
                1,
                arguments.pop("user_data"),
                arguments.pop("security_groups"),
                subnet_id=subnet,
                region_name=group.region,
                **arguments,
            ).instances
        instance.autoscaling_group = group  # type: ignore[attr-defined] # as moto does
        member = LabMember(instance, Lifecycle.PENDING.value, autoscaling_group=group)
        member.protected_from_scale_in = group.new_instances_protected_from_scale_in
        member.recipe, member.subnet, member.begun, member.activity = recipe, subnet, time.monotonic(), activity
        activity.description = f"Launching a new EC2 instance: {instance.id}"
        activity.status = "PreInService"
        group.instance_states.append(member)

    def _tell(self, group: LabGroup, kind: str, activity: ScalingActivity | None) -> None:
        told = activity.shown() if activity is not None else {}
        detail = {key: str(value) for key, value in told.items()}
        event = AwsEvent("aws.autoscaling", kind, group.account_id, group.region, detail, (group.arn,))
        self.tables.events.tell(event)

    @staticmethod
    def _member(group: LabGroup, instance_id: str) -> LabMember:
        return next(each for each in group.members if each.instance_id == instance_id)


def backends() -> list[Any]:
    """Auto Scaling's tables, one for each account and region that has any."""
    return [backend for regions in list(autoscaling_backends.values()) for backend in list(regions.values())]


def subnets_of(group: LabGroup) -> list[str]:
    """The subnets that a group launches into: its own, else the default ones of its zones."""
    if group.vpc_zone_identifier:
        return [each.strip() for each in group.vpc_zone_identifier.split(",")]
    defaults = group.ec2_backend.get_default_subnets()
    return [defaults[zone].id for zone in group.availability_zones]


def launch_arguments(group: LabGroup, recipe: Recipe) -> dict[str, Any]:
    """What moto's RunInstances gets for one instance of a group."""
    tags = {tag["Key"]: tag["Value"] for tag in group.tags if tag.get("PropagateAtLaunch")}
    tags[ASG_NAME_TAG] = group.name
    if not recipe.template_id:
        configuration = group.launch_config
        return {
            "image_id": configuration.image_id,
            "user_data": configuration.user_data,
            "security_groups": configuration.security_groups,
            "instance_type": configuration.instance_type,
            "is_instance_type_default": False,
            "launch_config": configuration,
            "key_name": configuration.key_name,
            "tags": {"instance": tags},
        }
    version = group.ec2_backend.get_launch_template(recipe.template_id).get_version(recipe.number)
    return {
        "image_id": "",
        "user_data": None,
        "security_groups": [],
        "instance_type": version.instance_type or "m1.small",
        "is_instance_type_default": not version.instance_type,
        "launch_template": {"LaunchTemplateId": recipe.template_id, "Version": recipe.number},
        "tags": {"instance": {**version.instance_tags, **tags}},
    }


def alarmed(group: LabGroup, names: tuple[str, ...]) -> tuple[str, ...]:
    """Which of these CloudWatch alarms are in the state ALARM."""
    if not names:
        return ()
    # Deferred: only refreshes with alarms ask CloudWatch.
    from moto.cloudwatch.models import cloudwatch_backends  # noqa: PLC0415

    alarms = cloudwatch_backends[group.account_id][group.region].alarms
    return tuple(name for name in names if name in alarms and alarms[name].state_value == "ALARM")
