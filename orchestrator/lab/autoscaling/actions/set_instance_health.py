"""Auto Scaling's SetInstanceHealth (Auto Scaling API Reference)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from moto.autoscaling.models import autoscaling_backends

from orchestrator.lab.api.aws_fault import AwsFault

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked


def answer(asked: Asked) -> dict[str, Any]:
    """Say how an instance is; within the grace period nothing happens, unless the call says to ignore it."""
    parameters = asked.parameters
    backend: Any = autoscaling_backends[asked.account][asked.region]
    group, member = backend.member(parameters["InstanceId"])
    if parameters["HealthStatus"] not in ("Healthy", "Unhealthy"):
        raise AwsFault("ValidationError", "Valid instance health states are: [Healthy, Unhealthy].")
    young = member.since is None or time.monotonic() - member.since < float(group.health_check_grace_period or 0)
    if not (young and parameters.get("ShouldRespectGracePeriod", True) and parameters["HealthStatus"] == "Unhealthy"):
        member.health_status = parameters["HealthStatus"]
    return {}
