"""Retention rules and what they keep, as values."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from orchestrator.lab.ec2.ami import COOLDOWN, Protection
from orchestrator.lab.ec2.images.recycle_bin import IMAGE, SNAPSHOT, RecycleBin, RetentionRule

NOW = datetime(2026, 6, 1, 12)  # noqa: DTZ001 - as moto's times are


def rule(days: int = 7, **more: Any) -> RetentionRule:
    return RetentionRule(f"rule-{days}", IMAGE, days, **more)


@pytest.mark.parametrize(
    ("given", "tags", "expected"),
    [
        (rule(), {}, True),
        (rule(tags=(("team", "web"),)), {"team": "web"}, True),
        (rule(tags=(("team", "web"),)), {"team": "data"}, False),
        (rule(tags=(("team", None),)), {"team": "data"}, True),
        (rule(excluded=(("keep", "no"),)), {"keep": "no"}, False),
        (rule(excluded=(("keep", "no"),)), {"keep": "yes"}, True),
    ],
)
def test_what_a_rule_keeps(given: RetentionRule, tags: dict[str, str], *, expected: bool) -> None:
    assert given.keeps(tags) is expected


def test_the_longest_of_several_rules_counts() -> None:
    bin_ = RecycleBin({each.identifier: each for each in (rule(3), rule(30), rule(7))})
    assert (bin_.days(IMAGE, {}), bin_.days(SNAPSHOT, {})) == (30, 0)


def test_a_rule_stays_locked_until_the_delay_is_over() -> None:
    unlocked = rule(unlock_delay=7, unlocks=NOW)
    states = [rule(), rule(unlock_delay=7)]
    assert [each.lock_state(NOW) for each in states] == ["unlocked", "locked"]
    assert unlocked.lock_state(NOW - timedelta(days=1)) == "pending_unlock"
    assert unlocked.lock_state(NOW) == "unlocked"


def test_protection_with_a_cooldown_holds_for_a_day_more() -> None:
    ended = Protection().enabled(cooldown=True).disabled(NOW)
    assert ended.value == "disabled"
    assert (ended.holds(NOW + COOLDOWN / 2), ended.holds(NOW + COOLDOWN)) == (True, False)


def test_to_disable_it_again_does_not_end_a_cooldown() -> None:
    ended = Protection().enabled(cooldown=True).disabled(NOW)
    assert ended.disabled(NOW + COOLDOWN / 2).holds(NOW + COOLDOWN / 2)


def test_protection_without_a_cooldown_ends_at_once() -> None:
    assert not Protection().enabled(cooldown=False).disabled(NOW).holds(NOW)
