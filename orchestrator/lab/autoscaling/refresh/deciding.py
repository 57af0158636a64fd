"""What an instance refresh does next: a pure function of the group, the refresh and the time.

Amazon EC2 Auto Scaling User Guide, "How an instance refresh works", "Add checkpoints to an instance refresh", "Use an
instance refresh with skip matching", "Undo changes with a rollback"; API Reference, "RefreshPreferences". How often
replacements may fail before a refresh does is not documented: `MOST_FAILURES` is the lab's own figure.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import ceil, floor
from typing import TYPE_CHECKING

from orchestrator.lab.autoscaling.capacity import Lifecycle, MemberView
from orchestrator.lab.autoscaling.refresh.preferences import Preferences

if TYPE_CHECKING:
    from collections.abc import Sequence

#: So many launches in a row that fail, or instances that never become healthy, and the refresh fails.
MOST_FAILURES = 2
#: How long a refresh waits for instances that are protected or in Standby, seconds.
PATIENCE = 3600.0
_ALL = 100


class RefreshStatus(StrEnum):
    """API Reference, "InstanceRefresh"."""

    PENDING = "Pending"
    IN_PROGRESS = "InProgress"
    BAKING = "Baking"
    SUCCESSFUL = "Successful"
    FAILED = "Failed"
    CANCELLING = "Cancelling"
    CANCELLED = "Cancelled"
    ROLLBACK_IN_PROGRESS = "RollbackInProgress"
    ROLLBACK_FAILED = "RollbackFailed"
    ROLLBACK_SUCCESSFUL = "RollbackSuccessful"

    @property
    def active(self) -> bool:
        """Whether the refresh is not over."""
        return self in _ACTIVE


_ACTIVE = (
    RefreshStatus.PENDING,
    RefreshStatus.IN_PROGRESS,
    RefreshStatus.BAKING,
    RefreshStatus.CANCELLING,
    RefreshStatus.ROLLBACK_IN_PROGRESS,
)


@dataclass(frozen=True)
class Progress:
    """A refresh, as far as its decisions go. Times on one clock, seconds."""

    preferences: Preferences = field(default_factory=Preferences)
    status: RefreshStatus = RefreshStatus.PENDING
    reason: str = ""
    old: frozenset[str] = frozenset()
    """The instances that are to be replaced."""
    failures: int = 0
    """How many replacements have failed in a row."""
    checkpoint: int = 0
    """How many checkpoints are behind."""
    reached: float | None = None
    """When the next checkpoint was reached."""
    baking: float | None = None
    """When it began to bake."""
    waiting: float | None = None
    """Since when it waits for instances that are protected or in Standby."""
    percent: int = 0
    to_update: int = 0
    rolled_back_at: int | None = None
    """The percentage when the rollback began."""
    rollback_reason: str = ""


@dataclass(frozen=True)
class RefreshStep:
    """The next state of a refresh, and what the group does now."""

    progress: Progress
    launch: int = 0
    terminate: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scene:
    """A group at one moment."""

    members: Sequence[MemberView]
    desired: int
    now: float
    alarmed: tuple[str, ...] = ()
    """Which of the refresh's alarms are in the state ALARM."""
    able: bool = field(default=True)
    """Whether the group could be rolled back."""


def decide(progress: Progress, scene: Scene) -> RefreshStep:
    """What happens next. A refresh that is over never changes."""
    match progress.status:
        case RefreshStatus.PENDING:
            begun = replace(progress, status=RefreshStatus.IN_PROGRESS)
            return RefreshStep(_measured(begun, scene))
        case RefreshStatus.IN_PROGRESS | RefreshStatus.BAKING | RefreshStatus.ROLLBACK_IN_PROGRESS:
            failed = _failure(progress, scene)
            if failed:
                return RefreshStep(_failed(progress, scene, failed))
            return _baked(progress, scene) if progress.status is RefreshStatus.BAKING else _rolled(progress, scene)
        case RefreshStatus.CANCELLING:
            return RefreshStep(_cancelled(progress, scene))
        case _:
            return RefreshStep(progress)


def begun(members: Sequence[MemberView], recipe: str, preferences: Preferences) -> frozenset[str]:
    """The instances that a refresh replaces: all, or with skip matching those of another template or version."""
    kept = preferences.skip_matching
    return frozenset(
        each.instance_id
        for each in members
        if each.lifecycle is not Lifecycle.TERMINATING
        and not (kept and each.recipe == recipe)
        and not (preferences.protected == "Ignore" and each.protected)
        and not (preferences.standby == "Ignore" and each.lifecycle is Lifecycle.STANDBY)
    )


def rolled_back(progress: Progress, scene: Scene, reason: str) -> Progress:
    """A refresh that begins to be rolled back: what it launched is replaced, what it did not reach stays."""
    launched = frozenset(each.instance_id for each in scene.members) - progress.old
    return replace(
        progress,
        status=RefreshStatus.ROLLBACK_IN_PROGRESS,
        reason="",
        rollback_reason=reason,
        rolled_back_at=progress.percent,
        old=launched,
        failures=0,
        baking=None,
        waiting=None,
    )


def _failure(progress: Progress, scene: Scene) -> str:
    if progress.failures >= MOST_FAILURES:
        return f"{progress.failures} replacements in a row failed: see the scaling activities of the group."
    if progress.status is not RefreshStatus.ROLLBACK_IN_PROGRESS and scene.alarmed:
        return f"The CloudWatch alarm {scene.alarmed[0]} is in the ALARM state."
    if progress.waiting is not None and scene.now - progress.waiting > PATIENCE:
        return "Instances in Standby or protected from scale in were not released within one hour."
    return ""


def _failed(progress: Progress, scene: Scene, why: str) -> Progress:
    if progress.status is RefreshStatus.ROLLBACK_IN_PROGRESS:
        return replace(progress, status=RefreshStatus.ROLLBACK_FAILED, reason=why)
    if progress.preferences.auto_rollback and scene.able:
        return rolled_back(progress, scene, f"Auto rollback: {why}")
    return replace(progress, status=RefreshStatus.FAILED, reason=why)


def _cancelled(progress: Progress, scene: Scene) -> Progress:
    moving = [each for each in scene.members if each.lifecycle in (Lifecycle.PENDING, Lifecycle.TERMINATING)]
    if moving:
        return progress
    return replace(_measured(progress, scene), status=RefreshStatus.CANCELLED, reason="Cancelled due to user request.")


def _baked(progress: Progress, scene: Scene) -> RefreshStep:
    if progress.baking is not None and scene.now - progress.baking < progress.preferences.bake:
        return RefreshStep(progress)
    return RefreshStep(replace(progress, status=RefreshStatus.SUCCESSFUL, reason=""))


def bounds(desired: int, preferences: Preferences) -> tuple[int, int]:
    """How many instances must serve at least, and may be there at most.

    At least one can always be replaced. Without a maximum, terminations and launches go together, except at a minimum
    of 100 percent: then launches go first, as whenever both bounds are the desired capacity.
    """
    least = ceil(desired * preferences.min_healthy / _ALL)
    if preferences.max_healthy is None and preferences.min_healthy < _ALL:
        return max(0, min(least, desired - 1)), desired
    most = floor(desired * (preferences.max_healthy or _ALL) / _ALL)
    return least, most if most > least else desired + 1


def _rolled(progress: Progress, scene: Scene) -> RefreshStep:
    """One round of replacements."""
    progress, limit = _past_checkpoints(_measured(progress, scene), scene)
    old = [each for each in scene.members if each.instance_id in progress.old and _there(each)]
    if _updated(progress, scene) >= limit and len(old) <= scene.desired - limit:
        return RefreshStep(_ended(progress, scene, limit))
    least, most = bounds(scene.desired, progress.preferences)
    counted = [each for each in scene.members if each.counts]
    fresh = len(counted) - sum(each.counts for each in old)
    launch = max(min(limit - fresh, most - len(counted)), scene.desired - len(counted), 0)
    spare = sum(_usable(progress, each) for each in scene.members) - least
    go = _chosen(progress, old, min(spare, len(old) - (scene.desired - limit)))
    # What is terminated now makes room for a launch now.
    if not launch and go and len(counted) <= scene.desired:
        launch = min(len(go), limit - fresh)
    return RefreshStep(_told(progress, scene, old), max(launch, 0), go)


def _there(member: MemberView) -> bool:
    return member.lifecycle is not Lifecycle.TERMINATING


def _usable(progress: Progress, member: MemberView) -> bool:
    """Whether it can be counted on; the warm-up is of new instances alone."""
    if member.instance_id in progress.old:
        return member.lifecycle is Lifecycle.IN_SERVICE and member.healthy
    return member.serves


def _chosen(progress: Progress, old: Sequence[MemberView], number: int) -> tuple[str, ...]:
    """Which of the old instances go now: those that are of no use cost nothing."""
    wanted = progress.preferences
    free = [each for each in old if _replaceable(each, wanted)]
    idle = [each.instance_id for each in free if not _usable(progress, each)]
    serving = sorted((each for each in free if _usable(progress, each)), key=lambda each: -each.age)
    return (*idle, *(each.instance_id for each in serving[: max(0, number - len(idle))]))


def _replaceable(member: MemberView, wanted: Preferences) -> bool:
    if member.lifecycle is Lifecycle.STANDBY:
        return wanted.standby == "Terminate"
    return not member.protected or wanted.protected == "Refresh"


def _told(progress: Progress, scene: Scene, old: Sequence[MemberView]) -> Progress:
    """The progress with the reason why it is where it is."""
    held = [each for each in old if not _replaceable(each, progress.preferences)]
    if held and len(held) == len(old):
        since = scene.now if progress.waiting is None else progress.waiting
        what = f"Waiting for {held[0].instance_id}, which is in Standby or protected from scale in."
        return replace(progress, waiting=since, reason=what)
    warming = [
        each for each in scene.members if each.counts and each.instance_id not in progress.old and not each.serves
    ]
    if warming:
        example = f"For example: {warming[0].instance_id} is warming up."
        return replace(progress, waiting=None, reason=f"Waiting for instances to warm up before continuing. {example}")
    return replace(progress, waiting=None, reason="")


def _updated(progress: Progress, scene: Scene) -> int:
    """How many instances serve that need no replacement."""
    return min(scene.desired, sum(each.serves and each.instance_id not in progress.old for each in scene.members))


def _measured(progress: Progress, scene: Scene) -> Progress:
    updated = _updated(progress, scene)
    percent = _ALL if not scene.desired else floor(_ALL * updated / scene.desired)
    if progress.status is RefreshStatus.ROLLBACK_IN_PROGRESS:
        left = sum(each.instance_id in progress.old and _there(each) for each in scene.members)
        return replace(progress, percent=min(progress.percent, floor(_ALL * left / max(scene.desired, 1))))
    return replace(progress, percent=percent, to_update=scene.desired - updated)


def _past_checkpoints(progress: Progress, scene: Scene) -> tuple[Progress, int]:
    """The progress behind the checkpoints whose delay is over, and how many instances may be new."""
    points = progress.preferences.checkpoints
    if not points or progress.status is RefreshStatus.ROLLBACK_IN_PROGRESS:
        return progress, scene.desired
    limit = ceil(scene.desired * points[min(progress.checkpoint, len(points) - 1)] / _ALL)
    last = progress.checkpoint >= len(points) - 1
    if last or _updated(progress, scene) < limit:
        return progress, limit
    if progress.reached is None:
        return replace(progress, reached=scene.now), limit
    if scene.now - progress.reached < progress.preferences.checkpoint_delay:
        return progress, limit
    return _past_checkpoints(replace(progress, checkpoint=progress.checkpoint + 1, reached=None), scene)


def _ended(progress: Progress, scene: Scene, limit: int) -> Progress:
    """All is replaced, or what the checkpoint allows; what is still terminating is waited for."""
    points = progress.preferences.checkpoints
    if points and progress.checkpoint < len(points) - 1 and limit < scene.desired:
        what = f"Reached the checkpoint of {points[progress.checkpoint]} percent, and waiting for its delay."
        return replace(progress, reason=what)
    if any(each.lifecycle is Lifecycle.TERMINATING for each in scene.members):
        return replace(progress, reason="Waiting for instances to terminate.")
    if progress.status is RefreshStatus.ROLLBACK_IN_PROGRESS:
        return replace(progress, status=RefreshStatus.ROLLBACK_SUCCESSFUL, percent=0, reason="")
    if progress.preferences.bake:
        what = f"Baking for {progress.preferences.bake:.0f} seconds."
        return replace(progress, status=RefreshStatus.BAKING, baking=scene.now, reason=what)
    return replace(progress, status=RefreshStatus.SUCCESSFUL, reason="")
