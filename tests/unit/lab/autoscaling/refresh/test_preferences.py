from __future__ import annotations

from typing import Any

import pytest

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.autoscaling.refresh.preferences import (
    Preferences,
    RollbackGround,
    check_auto_rollback,
    irreversible,
    preferences,
)


def test_defaults() -> None:
    assert preferences({}, 300) == Preferences(min_healthy=90, max_healthy=None, warmup=300, checkpoint_delay=3600)


@pytest.mark.parametrize(
    "given",
    [
        {"MaxHealthyPercentage": 110},
        {"MinHealthyPercentage": 0, "MaxHealthyPercentage": 110},
        {"MinHealthyPercentage": 100, "MaxHealthyPercentage": 201},
        {"MinHealthyPercentage": 101},
        {"CheckpointDelay": 10},
        {"CheckpointPercentages": [50, 50]},
        {"CheckpointPercentages": [100, 50]},
        {"CheckpointPercentages": [0, 100]},
        {"InstanceWarmup": -1},
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(AwsFault, match="ValidationError"):
        preferences(given, 0)


@pytest.mark.parametrize(
    ("ground", "why"),
    [
        (RollbackGround(configured=True, version="3", images=("ami-1", "ami-2")), ""),
        (RollbackGround(configured=False, version="3", images=("ami-1",)), "DesiredConfiguration parameter is empty"),
        (RollbackGround(configured=True, version="$Latest", images=("ami-1",)), r"\$Latest"),
        (RollbackGround(configured=True, version="", images=("ami-1",)), r"\$Default"),
        (RollbackGround(configured=True, version="3", images=("ami-1", "resolve:ssm:golden")), "Systems Manager"),
    ],
)
def test_what_can_be_rolled_back(ground: RollbackGround, why: str) -> None:
    """Auto rollback is refused where a rollback is not possible."""
    assert bool(irreversible(ground)) == bool(why)
    check_auto_rollback(Preferences(), ground)
    if why:
        with pytest.raises(AwsFault, match=why):
            check_auto_rollback(Preferences(auto_rollback=True), ground)
