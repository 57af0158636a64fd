"""What an instance refresh is asked for, and what is refused at once: pure functions.

Amazon EC2 Auto Scaling API Reference, "RefreshPreferences"; User Guide, "Understand the default values for an instance
refresh", "Undo changes with a rollback". The words of the refusals are Auto Scaling's where they were reported in
public: those about a missing desired configuration and about data types.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.lab.api.aws_fault import AwsFault

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Seconds after a checkpoint, unless it is said.
_CHECKPOINT_DELAY = 3600
#: Percent.
_MIN_HEALTHY = 90
#: Seconds.
_LONGEST = 172_800


@dataclass(frozen=True)
class Preferences:
    """How a refresh goes. Percentages of the desired capacity; seconds."""

    min_healthy: int = _MIN_HEALTHY
    max_healthy: int | None = None
    """None: not said, which is not the same as 100."""
    warmup: float = 0.0
    checkpoints: tuple[int, ...] = ()
    checkpoint_delay: float = _CHECKPOINT_DELAY
    skip_matching: bool = False
    auto_rollback: bool = False
    protected: str = "Wait"
    """Of instances that are protected from scale in: Refresh, Ignore or Wait."""
    standby: str = "Wait"
    """Of instances in Standby: Terminate, Ignore or Wait."""
    alarms: tuple[str, ...] = ()
    bake: float = 0.0


def preferences(given: Mapping[str, Any], warmup: float) -> Preferences:
    """Read the preferences of a call; `warmup` is the group's own. Raises AwsFault for what cannot be."""
    checkpoints = tuple(int(each) for each in given.get("CheckpointPercentages") or ())
    most = given.get("MaxHealthyPercentage")
    read = Preferences(
        min_healthy=int(given.get("MinHealthyPercentage", _MIN_HEALTHY)),
        max_healthy=None if most is None else int(most),
        warmup=float(given.get("InstanceWarmup", warmup)),
        checkpoints=checkpoints,
        checkpoint_delay=float(given.get("CheckpointDelay", _CHECKPOINT_DELAY)),
        skip_matching=bool(given.get("SkipMatching", False)),
        auto_rollback=bool(given.get("AutoRollback", False)),
        protected=given.get("ScaleInProtectedInstances", "Wait"),
        standby=given.get("StandbyInstances", "Wait"),
        alarms=tuple((given.get("AlarmSpecification") or {}).get("Alarms", ())),
        bake=float(given.get("BakeTime", 0)),
    )
    _check_percentages(read, given)
    _check_checkpoints(checkpoints, given)
    for name in ("InstanceWarmup", "CheckpointDelay", "BakeTime"):
        if not 0 <= int(given.get(name, 0)) <= _LONGEST:
            raise _invalid(f"{name} must be between 0 and {_LONGEST} seconds.")
    return read


def _check_percentages(read: Preferences, given: Mapping[str, Any]) -> None:
    least, most = read.min_healthy, read.max_healthy
    if not 0 <= least <= 100:  # noqa: PLR2004 percent
        raise _invalid("MinHealthyPercentage must be between 0 and 100.")
    if most is None:
        return
    if "MinHealthyPercentage" not in given:
        raise _invalid("You must also specify MinHealthyPercentage when you specify MaxHealthyPercentage.")
    if not 100 <= most <= 200:  # noqa: PLR2004 percent
        raise _invalid("MaxHealthyPercentage must be between 100 and 200.")
    if most - least > 100:  # noqa: PLR2004 percent
        what = "The difference between MaxHealthyPercentage and MinHealthyPercentage cannot be greater than 100."
        raise _invalid(what)


def _check_checkpoints(checkpoints: tuple[int, ...], given: Mapping[str, Any]) -> None:
    if "CheckpointDelay" in given and not checkpoints:
        raise _invalid("You must also specify CheckpointPercentages when you specify CheckpointDelay.")
    if list(checkpoints) != sorted(set(checkpoints)):
        raise _invalid("The values of CheckpointPercentages must be unique and in ascending order.")
    if any(not 1 <= each <= 100 for each in checkpoints):  # noqa: PLR2004 percent
        raise _invalid("Each value of CheckpointPercentages must be between 1 and 100.")


@dataclass(frozen=True)
class RollbackGround:
    """What decides whether a refresh can be rolled back."""

    configured: bool
    """Whether a desired configuration was given."""
    version: str
    """The version of the launch template that the group names; empty: none, which is `$Default`."""
    images: tuple[str, ...]
    """What the group's launch template and the desired one have as ImageId."""


def irreversible(ground: RollbackGround) -> str:
    """Why a refresh cannot be rolled back; empty when it can."""
    if not ground.configured:
        return "the DesiredConfiguration parameter is empty"
    if ground.version in ("", "$Latest", "$Default"):
        return "the Auto Scaling group uses the $Latest or $Default version of its launch template"
    if any(image.startswith("resolve:ssm:") for image in ground.images):
        return "the launch template uses a Systems Manager parameter instead of an AMI ID"
    return ""


def check_auto_rollback(read: Preferences, ground: RollbackGround) -> None:
    """Raise AwsFault when auto rollback is asked for and not possible."""
    why = irreversible(ground) if read.auto_rollback else ""
    if why:
        what = f"The request isn't valid. The AutoRollback parameter cannot be set to true when {why}."
        raise _invalid(f"{what} Set AutoRollback to false or specify a desired configuration and try again.")


def _invalid(what: str) -> AwsFault:
    return AwsFault("ValidationError", what)
