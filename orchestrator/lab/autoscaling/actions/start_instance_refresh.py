"""Auto Scaling's StartInstanceRefresh (Auto Scaling API Reference)."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.autoscaling.group import Refresh, check_launchable, recipe_of, template_image
from orchestrator.lab.autoscaling.naming import group_of
from orchestrator.lab.autoscaling.refresh.deciding import Progress, begun
from orchestrator.lab.autoscaling.refresh.preferences import (
    RollbackGround,
    check_auto_rollback,
    irreversible,
    preferences,
)

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked
    from orchestrator.lab.autoscaling.group import LabGroup, Recipe


def answer(asked: Asked) -> dict[str, Any]:
    """Begin a refresh. Raises AwsFault when one is going on, and for what cannot be."""
    group, parameters = group_of(asked), asked.parameters
    if parameters.get("Strategy", "Rolling") != "Rolling":
        raise AwsFault("UnsupportedOperation", "The lab replaces no root volumes: use the strategy Rolling.")
    if group.refresh is not None:
        what = "An Instance Refresh is already in progress and blocks the execution of this Instance Refresh."
        raise AwsFault("InstanceRefreshInProgress", what)
    configuration = _configuration(parameters.get("DesiredConfiguration") or {})
    recipe = recipe_of(group.ec2_backend, configuration["LaunchTemplate"]) if configuration else group.recipe()
    given = parameters.get("Preferences") or {}
    warmup = group.default_instance_warmup
    read = preferences(given, float(group.health_check_grace_period or 0) if warmup is None else float(warmup))
    ground = _ground(group, recipe, configured=bool(configuration))
    check_auto_rollback(read, ground)
    check_launchable(group.ec2_backend, recipe)
    old = begun(group.view(0.0, with_targets=False), recipe.key, read)
    progress = Progress(read, old=old, to_update=len(old))
    refresh = Refresh(
        str(uuid.uuid4()), progress, recipe, configuration, given, not irreversible(ground), datetime.now(UTC)
    )
    group.refreshes.insert(0, refresh)
    return {"InstanceRefreshId": refresh.refresh_id}


def _configuration(given: dict[str, Any]) -> dict[str, Any]:
    if "MixedInstancesPolicy" in given:
        raise AwsFault("UnsupportedOperation", "The lab knows no mixed instances policies: name a launch template.")
    return given if given.get("LaunchTemplate") else {}


def _ground(group: LabGroup, recipe: Recipe, *, configured: bool) -> RollbackGround:
    """What decides whether the refresh can be rolled back: the group's own configuration, and the desired one."""
    own = group.recipe()
    images = tuple(template_image(group.ec2_backend, each) for each in (own, recipe) if each.template_id)
    aliases = [each for each in (own.version, recipe.version if configured else own.version) if each[:1] in ("", "$")]
    return RollbackGround(configured, aliases[0] if aliases else own.version, images)
