"""Auto Scaling groups of the lab: moto's, whose instances are what `rounds.py` makes of them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from moto.autoscaling import urls
from moto.autoscaling.models import AutoScalingBackend, FakeAutoScalingGroup, InstanceState
from moto.ec2.exceptions import EC2ClientError

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.autoscaling.activities import ScalingActivity, at
from orchestrator.lab.autoscaling.capacity import Lifecycle, MemberView
from orchestrator.lab.ec2.templates.image_pointers import image_of
from orchestrator.lab.ec2.templates.launch_templates import named

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from orchestrator.lab.autoscaling.refresh.deciding import Progress
    from orchestrator.lab.elb.desk import TargetDesk

#: What precedes EC2's words when a launch template would not launch (Auto Scaling User Guide, "Troubleshoot").
_NOT_FORMED = "You must use a valid fully-formed launch template. "


@dataclass(frozen=True)
class Recipe:
    """What a group launches from: a launch template and its version, or a launch configuration."""

    template_id: str = ""
    template_name: str = ""
    version: str = ""
    """As it was asked for; empty: none, which is the default version."""
    number: str = ""
    """The number of that version now."""
    configuration: str = ""

    @property
    def key(self) -> str:
        """What two equal recipes have in common."""
        return self.configuration or f"{self.template_id}/{self.number}"

    def specification(self, version: str) -> dict[str, str]:
        """The launch template as the API writes it."""
        told = {"LaunchTemplateId": self.template_id, "LaunchTemplateName": self.template_name}
        return {**told, "Version": version} if version else told


class LabMember(InstanceState):
    """An instance of a group: what made it, since when it is in service, what was said of its health."""

    recipe = Recipe()
    since: float | None = None
    """When it came into service, on the monotonic clock."""
    begun = 0.0
    cause = ""
    """Why it must go."""
    target_health = ""
    """`healthy` or another state of its targets; empty without target groups."""
    activity: ScalingActivity | None = None
    subnet = ""
    ended = False
    """Whether its termination was asked for."""

    @property
    def launch_template(self) -> dict[str, Any] | None:
        """The template and the number of the version that it was launched from."""
        return self.recipe.specification(self.recipe.number) if self.recipe.template_id else None

    @property
    def launch_configuration_name(self) -> str | None:
        """The launch configuration that it was launched from."""
        return self.recipe.configuration or None


@dataclass
class Refresh:
    """An instance refresh of a group."""

    refresh_id: str
    progress: Progress
    recipe: Recipe
    """What it launches from."""
    configuration: dict[str, Any]
    """The desired configuration of the call; empty: none."""
    given: dict[str, Any]
    """The preferences of the call."""
    able: bool
    """Whether it can be rolled back."""
    started: datetime
    ended: datetime | None = None
    rollback_started: datetime | None = None
    rollback_left: int = 0


@dataclass
class Retry:
    """When a group that failed to launch tries again."""

    failures: int = 0
    due: float = 0.0

    def failed(self) -> None:
        """Wait twice as long as before, a minute at most."""
        self.failures += 1
        self.due = time.monotonic() + min(60.0, 2.0 ** (self.failures - 1))

    def worked(self) -> None:
        """The next launch need not wait."""
        self.failures, self.due = 0, 0.0


class LabGroup(FakeAutoScalingGroup):
    """A group that asks for instances, and gets them in rounds."""

    desk: TargetDesk
    deleted = False
    default_instance_warmup: int | None = None
    launch_configuration_name = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.activities: list[ScalingActivity] = []
        self.refreshes: list[Refresh] = []
        self.retry = Retry()
        super().__init__(*args, **kwargs)

    @property
    def members(self) -> list[LabMember]:
        """Its instances."""
        return cast("list[LabMember]", self.instance_states)

    @property
    def status(self) -> str | None:
        """Told while the group is being deleted."""
        return "Delete in progress" if self.deleted else None

    @property
    def refresh(self) -> Refresh | None:
        """The refresh that is going on."""
        return next((each for each in self.refreshes if each.progress.status.active), None)

    def set_desired_capacity(self, new_capacity: int | None) -> None:
        """Ask for so many instances."""
        self.desired_capacity = self.min_size if new_capacity is None else new_capacity

    def replace_autoscaling_group_instances(self, count_needed: int, propagated_tags: dict[str, str]) -> None:
        """Moto calls this at once; rounds launch."""

    def recipe(self) -> Recipe:
        """What the group launches from now. Raises AwsFault when there is no such template or version."""
        if self.ec2_launch_template is None:
            return Recipe(configuration=self.launch_configuration_name)
        wanted = self.launch_template or {}
        return recipe_of(self.ec2_backend, {**wanted, "LaunchTemplateName": None})

    def end(self, member: LabMember, cause: str) -> ScalingActivity:
        """Let an instance go: out of its target groups, then terminated. `{id}` in the cause is its id."""
        if member.lifecycle_state == Lifecycle.TERMINATING.value and member.activity is not None:
            return member.activity
        member.lifecycle_state = Lifecycle.TERMINATING.value
        what = f"Terminating EC2 instance: {member.instance_id}"
        member.activity = ScalingActivity(self.name, what, f"At {at()} {cause.format(id=member.instance_id)}")
        self.activities.insert(0, member.activity)
        self.desk.deregister(self, member)
        return member.activity

    def view(self, warmup: float, *, with_targets: bool) -> list[MemberView]:
        """Its instances, as decisions see them."""
        now = time.monotonic()
        return [self._seen(each, warmup, now, with_targets=with_targets) for each in self.members]

    def _seen(self, member: LabMember, warmup: float, now: float, *, with_targets: bool) -> MemberView:
        served = member.since is not None and now - member.since >= warmup
        return MemberView(
            member.instance_id,
            Lifecycle(member.lifecycle_state),
            healthy=member.health_status == "Healthy",
            ready=served and (not with_targets or member.target_health in ("", "healthy")),
            protected=bool(member.protected_from_scale_in),
            subnet=member.subnet,
            recipe=member.recipe.key,
            age=now - member.begun,
        )


def recipe_of(ec2: Any, specification: dict[str, Any]) -> Recipe:
    """A launch template and version as a recipe. Raises AwsFault when they are not there."""
    try:
        template = named(ec2, specification)
        asked = str(specification.get("Version") or "")
        version = template.get_version(asked)
    except EC2ClientError as error:
        raise AwsFault("ValidationError", f"{_NOT_FORMED}{error.message}") from None
    return Recipe(template.id, template.name, asked, str(version.number))


def check_launchable(ec2: Any, recipe: Recipe) -> None:
    """Raise AwsFault when EC2 would refuse to launch from a template."""
    if not recipe.template_id:
        return
    image = template_image(ec2, recipe)
    if not image:
        raise AwsFault("ValidationError", f"{_NOT_FORMED}The request must contain the parameter ImageId")
    try:
        ec2._bootable(image_of(ec2.account_id, ec2.region_name, image))  # noqa: SLF001 - a part of the same lab
    except EC2ClientError as error:
        raise AwsFault("ValidationError", f"{_NOT_FORMED}{error.message}") from None
    except AwsFault as fault:
        raise AwsFault("ValidationError", fault.message) from None


def template_image(ec2: Any, recipe: Recipe) -> str:
    """What a version of a launch template has as ImageId."""
    version = ec2.get_launch_template(recipe.template_id).get_version(recipe.number)
    return str(version.data.get("ImageId") or "")


class LabAutoScaling(AutoScalingBackend):
    """The groups of one account in one region."""

    @property
    def _url_module(self) -> Any:
        """Where moto finds the routes of a backend next to its class."""
        return urls

    def update_attached_target_groups(self, group_name: str) -> None:
        """Register what is in service; rounds register the rest once it runs."""
        group = cast("LabGroup", self.autoscaling_groups[group_name])
        for member in group.members:
            if member.lifecycle_state == Lifecycle.IN_SERVICE.value:
                group.desk.register(group, member)

    def detach_load_balancer_target_groups(self, group_name: str, target_group_arns: list[str]) -> None:
        """Let the instances drain from target groups that the group leaves."""
        group = cast("LabGroup", self.autoscaling_groups[group_name])
        for member in group.members:
            group.desk.deregister(group, member, target_group_arns)
        group.target_group_arns = [each for each in group.target_group_arns if each not in target_group_arns]

    def notify_terminate_instances(self, instance_ids: list[str]) -> None:
        """Moto replaces these at once; here the health check of the next round finds them."""

    def member(self, instance_id: str) -> tuple[LabGroup, LabMember]:
        """An instance and its group. Raises AwsFault when no group has it."""
        for group in cast("list[LabGroup]", list(self.autoscaling_groups.values())):
            for member in group.members:
                if member.instance_id == instance_id:
                    return group, member
        raise AwsFault(
            "ValidationError", f"Instance Id not found - No managed instance found for instance ID: {instance_id}"
        )


def each_group(backends: Callable[[], list[Any]]) -> list[LabGroup]:
    """Every group of every account and region."""
    return [group for backend in backends() for group in list(backend.autoscaling_groups.values())]
