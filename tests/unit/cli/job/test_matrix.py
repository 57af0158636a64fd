"""The jobs of a workflow's matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.cli.job.matrix import matrix

if TYPE_CHECKING:
    from orchestrator.contract.plan import PlanJson, StepJson


def step(name: str, on: str, action: str = "build", seconds: float | None = 10.0, *, shared: bool = False) -> StepJson:
    return {
        "image": None if shared else name,
        "segment": name,
        "shared": shared,
        "action": action,
        "built_on": on,
        "layers": [],
        "ami_id": None,
        "fingerprint": "",
        "reason": "",
        "seconds": seconds,
    }


def plan(*steps: StepJson, exclusive: bool = True) -> PlanJson:
    return {
        "schema": "ami/plan/1",
        "environment": "lab",
        "region": "us-east-1",
        "empty": not steps,
        "exclusive": exclusive,
        "parallel": 2,
        "seconds": None,
        "unknown": [],
        "warnings": [],
        "steps": list(steps),
        "explained": [],
    }


TREE = (
    step("stack-base-1a2b3c4d", "debian-12", shared=True),
    step("golden", "stack-base-1a2b3c4d"),
    step("web", "golden", seconds=30),
    step("analytics", "golden", seconds=None),
    step("alone", "debian-13"),
    step("old", "debian-12", "reuse", None),
)


def test_matrix_when_builders_have_leases() -> None:
    """A job for each image that nothing stands on, with its parents, longest first; what is reused has none."""
    assert matrix(plan(*TREE))["include"] == [
        {"image": "web", "builds": "stack-base-1a2b3c4d golden web", "seconds": 50.0},
        {"image": "alone", "builds": "alone", "seconds": 10.0},
        {"image": "analytics", "builds": "stack-base-1a2b3c4d golden analytics", "seconds": None},
    ]


def test_matrix_when_nothing_keeps_builders_apart() -> None:
    """Images that have a build in common are built by one job."""
    names = [one["image"] for one in matrix(plan(*TREE, exclusive=False))["include"]]
    assert sorted(names) == ["alone", "web analytics"]


def test_matrix_when_nothing_is_to_be_done() -> None:
    assert matrix(plan(step("old", "debian-12", "reuse"))) == {"include": []}


def test_matrix_when_an_image_stays_rejected() -> None:
    """A job says so, and fails: a pipeline without one would pass."""
    assert [one["image"] for one in matrix(plan(step("web", "golden", "rejected")))["include"]] == ["web"]


@pytest.mark.parametrize("count", [256, 257, 1000])
def test_matrix_when_there_are_more_images_than_jobs(count: int) -> None:
    """Each image is in one job, and no job has all that is left over."""
    entries = matrix(plan(*(step(f"image-{number}", "debian-12") for number in range(count))))["include"]
    assert len(entries) == 256
    assert sorted(name for one in entries for name in one["image"].split()) == sorted(
        f"image-{number}" for number in range(count)
    )
    assert max(len(one["image"].split()) for one in entries) == -(-count // 256)
