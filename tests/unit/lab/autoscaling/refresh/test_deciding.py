"""A group of values is refreshed from the first decision to the last."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from orchestrator.lab.autoscaling.capacity import Lifecycle, MemberView
from orchestrator.lab.autoscaling.refresh.deciding import (
    MOST_FAILURES,
    PATIENCE,
    Progress,
    RefreshStatus,
    Scene,
    begun,
    bounds,
    decide,
    rolled_back,
)
from orchestrator.lab.autoscaling.refresh.preferences import Preferences

WARMUP = 10.0


@dataclass
class Group:
    """A group whose instances run one second after their launch, and end one second after their termination."""

    preferences: Preferences
    desired: int = 4
    members: list[MemberView] = field(default_factory=list)
    now: float = 0.0
    progress: Progress = field(init=False)
    least: int = 0
    most: int = 0
    launched: int = 0
    alarmed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.members = self.members or [MemberView(f"old-{each}", recipe="1") for each in range(self.desired)]
        self.least = self.most = len(self.members)
        self.progress = Progress(self.preferences, old=begun(self.members, "2", self.preferences))

    def scene(self) -> Scene:
        return Scene(self.members, self.desired, self.now, self.alarmed)

    def second(self) -> None:
        """One decision, and one second in which it takes effect."""
        decision = decide(self.progress, self.scene())
        self.progress = decision.progress
        self.members = [self._older(each, each.instance_id in decision.terminate) for each in self.members]
        self.members = [each for each in self.members if each.age >= 0]
        for _ in range(decision.launch):
            self.launched += 1
            self.members.append(
                MemberView(f"new-{self.launched}", Lifecycle.PENDING, ready=False, recipe="2", subnet=str(self.now))
            )
        self.now += 1
        self.least = min(self.least, sum(each.serves for each in self.members))
        self.most = max(self.most, sum(each.counts for each in self.members))

    def _older(self, member: MemberView, gone: bool) -> MemberView:  # noqa: FBT001 of this test alone
        if member.lifecycle is Lifecycle.TERMINATING:
            return replace(member, age=-1)
        if gone:
            return replace(member, lifecycle=Lifecycle.TERMINATING)
        age = member.age + 1
        if member.recipe == "1" or member.lifecycle is Lifecycle.STANDBY:
            return replace(member, age=age)
        return replace(member, lifecycle=Lifecycle.IN_SERVICE, age=age, ready=age > self.preferences.warmup)

    def run(self, seconds: int = 500) -> RefreshStatus:
        for _ in range(seconds):
            self.second()
            if not self.progress.status.active:
                break
        return self.progress.status

    def names(self) -> set[str]:
        return {each.recipe for each in self.members}


def wanted(**more: Any) -> Preferences:
    return Preferences(**{"warmup": WARMUP, **more})


@pytest.mark.parametrize(
    ("preferences", "least", "most"),
    [
        (wanted(), 3, 4),
        (wanted(min_healthy=100), 4, 5),
        (wanted(min_healthy=50), 2, 4),
        (wanted(min_healthy=0), 0, 4),
        (wanted(min_healthy=100, max_healthy=200), 4, 8),
        (wanted(min_healthy=100, max_healthy=100), 4, 5),
        (wanted(min_healthy=75, max_healthy=125), 3, 5),
    ],
)
def test_a_refresh_keeps_within_its_bounds(preferences: Preferences, least: int, most: int) -> None:
    """So many serve at every moment, never more are there, and in the end all are new."""
    group = Group(preferences)
    assert (group.run(), group.names(), len(group.members)) == (RefreshStatus.SUCCESSFUL, {"2"}, 4)
    assert (group.least, group.most) == (least, most)
    assert group.launched == 4
    assert (group.progress.percent, group.progress.to_update) == (100, 0)


def test_a_group_of_one() -> None:
    """At least one can be replaced, whatever the minimum is."""
    assert bounds(1, wanted()) == (0, 1)
    assert Group(wanted(), desired=1).run() is RefreshStatus.SUCCESSFUL


def test_an_empty_group() -> None:
    assert Group(wanted(), desired=0, members=[MemberView("x", Lifecycle.TERMINATING)]).progress.old == frozenset()


def test_an_old_instance_that_came_a_moment_ago_counts() -> None:
    """The warm-up is of new instances: nobody is terminated below the minimum because it is young."""
    there = [MemberView(f"old-{each}", recipe="1", ready=False) for each in range(2)]
    progress = Progress(wanted(min_healthy=100), status=RefreshStatus.IN_PROGRESS, old=frozenset({"old-0", "old-1"}))
    decision = decide(progress, Scene(there, 2, 0.0))
    assert (decision.launch, decision.terminate) == (1, ())


def test_nobody_waits_less_than_the_warm_up() -> None:
    group = Group(wanted())
    group.run()
    assert group.now >= 4 * WARMUP


def test_checkpoints_are_waited_at() -> None:
    group = Group(wanted(checkpoints=(50, 100), checkpoint_delay=100))
    for _ in range(80):
        group.second()
    assert (group.progress.percent, group.progress.to_update, group.launched) == (50, 2, 2)
    assert "checkpoint of 50 percent" in group.progress.reason
    assert group.run() is RefreshStatus.SUCCESSFUL
    assert group.launched == 4


def test_a_last_checkpoint_below_100_leaves_the_rest() -> None:
    group = Group(wanted(checkpoints=(25,)))
    assert group.run() is RefreshStatus.SUCCESSFUL
    assert sorted(each.recipe for each in group.members) == ["1", "1", "1", "2"]


def test_skip_matching_keeps_what_has_the_version() -> None:
    members = [MemberView("kept", recipe="2"), MemberView("old", recipe="1")]
    group = Group(wanted(skip_matching=True, warmup=1), desired=2, members=members)
    assert group.run() is RefreshStatus.SUCCESSFUL
    assert (group.launched, "kept" in {each.instance_id for each in group.members}) == (1, True)


def test_without_skip_matching_all_are_replaced() -> None:
    assert begun([MemberView("i-1", recipe="2")], "2", wanted()) == {"i-1"}


def test_bake_time_comes_before_success() -> None:
    group = Group(wanted(bake=50, warmup=1))
    while group.progress.status is not RefreshStatus.BAKING:
        group.second()
    began = group.now
    assert group.run() is RefreshStatus.SUCCESSFUL
    assert group.now - began >= 50


@pytest.mark.parametrize("baking", [False, True])
def test_an_alarm_fails_it(baking: bool) -> None:  # noqa: FBT001 a parameter of a test
    group = Group(wanted(alarms=("errors",), bake=100, warmup=1))
    while baking and group.progress.status is not RefreshStatus.BAKING:
        group.second()
    group.second()
    group.alarmed = ("errors",)
    assert group.run() is RefreshStatus.FAILED
    assert "errors is in the ALARM state" in group.progress.reason


def test_replacements_that_fail_fail_it() -> None:
    group = Group(wanted())
    group.second()
    group.progress = replace(group.progress, failures=MOST_FAILURES)
    assert group.run() is RefreshStatus.FAILED


def test_auto_rollback_brings_the_old_version_back() -> None:
    """What was not reached yet stays as it is; what was launched goes."""
    group = Group(wanted(auto_rollback=True))
    while group.progress.percent < 50:
        group.second()
    kept = {each.instance_id for each in group.members if each.recipe == "1" and each.counts}
    group.progress = replace(group.progress, failures=MOST_FAILURES)
    group.second()
    assert group.progress.status is RefreshStatus.ROLLBACK_IN_PROGRESS
    launched = set(group.progress.old)
    assert group.run() is RefreshStatus.ROLLBACK_SUCCESSFUL
    left = {each.instance_id for each in group.members}
    assert kept <= left
    assert not launched & left
    assert (group.progress.rolled_back_at, group.progress.percent) == (50, 0)


def test_a_rollback_that_fails() -> None:
    group = Group(wanted(auto_rollback=True))
    group.second()
    group.progress = replace(rolled_back(group.progress, group.scene(), "asked for"), failures=MOST_FAILURES)
    assert group.run() is RefreshStatus.ROLLBACK_FAILED


def test_cancelling_waits_for_what_is_on_its_way() -> None:
    group = Group(wanted())
    group.second()
    group.second()
    group.progress = replace(group.progress, status=RefreshStatus.CANCELLING)
    moving = [each for each in group.members if each.lifecycle is Lifecycle.PENDING]
    assert moving
    group.second()
    assert group.progress.status is RefreshStatus.CANCELLING
    assert group.run() is RefreshStatus.CANCELLED
    assert group.launched == 1


@pytest.mark.parametrize(
    ("held", "more", "status"),
    [
        (MemberView("held", protected=True, recipe="1"), {}, RefreshStatus.FAILED),
        (MemberView("held", protected=True, recipe="1"), {"protected": "Refresh"}, RefreshStatus.SUCCESSFUL),
        (MemberView("held", protected=True, recipe="1"), {"protected": "Ignore"}, RefreshStatus.SUCCESSFUL),
        (MemberView("held", Lifecycle.STANDBY, recipe="1"), {"standby": "Terminate"}, RefreshStatus.SUCCESSFUL),
        (MemberView("held", Lifecycle.STANDBY, recipe="1"), {"standby": "Ignore"}, RefreshStatus.SUCCESSFUL),
        (MemberView("held", Lifecycle.STANDBY, recipe="1"), {}, RefreshStatus.FAILED),
    ],
)
def test_what_is_held_back(held: MemberView, more: dict[str, Any], status: RefreshStatus) -> None:
    """It is waited for, an hour at most, unless the call says otherwise."""
    there = [held, MemberView("old", recipe="1")]
    group = Group(wanted(warmup=1, **more), desired=2 if held.counts else 1, members=there)
    assert group.run(int(PATIENCE) + 100) is status
    assert ("held" in {each.instance_id for each in group.members}) == ("Ignore" in more.values() or not more)


def test_what_is_over_never_changes() -> None:
    group = Group(wanted(warmup=1))
    group.run()
    ended = group.progress
    assert decide(ended, replace(group.scene(), alarmed=("errors",))).progress == ended
