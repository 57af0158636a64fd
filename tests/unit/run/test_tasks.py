"""From steps to tasks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from orchestrator.definition.image import Image, Owner
from orchestrator.definition.source import Source
from orchestrator.plan.inputs import Inputs
from orchestrator.plan.planned_layer import PlannedLayer
from orchestrator.plan.segment import Segment
from orchestrator.plan.steps import Action, PlanStep
from orchestrator.run.schedule import Bounds, Front
from orchestrator.run.tasks import tasks

SOURCE = Source(name="debian", ami_id="ami-0123456789abcdef0", ssh_username="admin")


def step(name: str, parent: str | None, action: Action, *, awaits: str = "", shared: bool = False) -> PlanStep:
    owner = Owner(team="images", email="images@example.com")
    image = Image.model_construct(name=name, description=name, owner=owner, from_="debian", layers=(), tags={})
    layers = (PlannedLayer("base", ("system",), {}, Path("playbooks/base.yml")),)
    segment = Segment(image, parent, SOURCE, layers, layers, Inputs("base", (), None, name), shared=shared)
    return PlanStep(segment, action, "", build_seconds=40, validate_seconds=10, awaits=awaits)


def drawn(*steps: PlanStep) -> dict[str, tuple[set[str], set[str], float]]:
    return {task.name: (set(task.after), set(task.stands_on), task.seconds) for task in tasks(steps)}


def test_tasks_when_a_child_is_built_on_a_parent_that_is_built() -> None:
    """It starts on the parent's AMI, stands on the parent's verdict, and is tested only after that."""
    golden = step("golden", None, Action.BUILD)
    web = step("web", "golden", Action.BUILD, awaits="golden")
    assert drawn(golden, web) == {
        "build golden": (set(), set(), 40),
        "test golden": ({"build golden"}, set(), 10),
        "build web": ({"build golden"}, {"test golden"}, 40),
        "test web": ({"build web", "test golden"}, set(), 10),
    }


def test_tasks_when_the_parent_stands() -> None:
    """Nothing is waited for."""
    golden, web = step("golden", None, Action.REUSE), step("web", "golden", Action.BUILD)
    assert drawn(golden, web) == {"build web": (set(), set(), 40), "test web": ({"build web"}, set(), 10)}


def test_tasks_when_only_tests_changed() -> None:
    """There is no build, and the parent's verdict comes first."""
    golden = step("golden", None, Action.VALIDATE)
    web = step("web", "golden", Action.VALIDATE, awaits="golden")
    assert drawn(golden, web) == {"test golden": (set(), set(), 10), "test web": ({"test golden"}, set(), 10)}


def test_tasks_when_a_segment_is_shared() -> None:
    """It is built and not tested."""
    stack = step("stack-base-1a2b3c4d", None, Action.BUILD, shared=True)
    web = step("web", "stack-base-1a2b3c4d", Action.BUILD)
    assert drawn(stack, web) == {
        "build stack-base-1a2b3c4d": (set(), set(), 40),
        "build web": ({"build stack-base-1a2b3c4d"}, set(), 40),
        "test web": ({"build web"}, set(), 10),
    }


def test_tasks_when_there_is_a_quota() -> None:
    """Each machine takes its vCPUs of it."""
    assert [task.weight for task in tasks([step("golden", None, Action.BUILD)], vcpus=2)] == [2, 2]


def test_tasks_when_nothing_is_known_of_how_long_they_take() -> None:
    """A parent's tests start as soon as it is built: all that stands on it waits for the verdict in the end."""
    unknown = [step("golden", None, Action.BUILD)]
    unknown += [step(name, "golden", Action.BUILD, awaits="golden") for name in ("web", "shop", "data")]
    front = Front(tasks(replace(one, build_seconds=None, validate_seconds=None) for one in unknown))
    assert [task.name for task in front.start([], Bounds(2))] == ["build golden"]
    front.ended("build golden")
    assert "test golden" in [task.name for task in front.start([], Bounds(2))]
