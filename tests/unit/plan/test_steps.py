"""What a run decides before it touches anything."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.definition.image import Image, Owner
from orchestrator.definition.layer import LayerUse
from orchestrator.definition.source import Source
from orchestrator.plan.inputs import Inputs
from orchestrator.plan.planned_layer import PlannedLayer
from orchestrator.plan.segment import Segment
from orchestrator.plan.steps import Action, PlanStep, is_empty, known, steps
from orchestrator.registry import STACK, Copy, State, Version

SOURCE = Source(name="debian", ami_id="ami-0123456789abcdef0", ssh_username="admin")
OWNER = Owner(team="images", email="images@example.com")
TESTS = "t" * 64


def segment(name: str, parent: str | None, *, shared: bool = False) -> Segment:
    image = Image.model_construct(
        name=name, description=name, owner=OWNER, from_=parent or "debian", layers=(LayerUse(name="base"),), tags={}
    )
    layers = (PlannedLayer("base", (), {}, Path("playbooks/base.yml")),)
    return Segment(
        image,
        parent,
        SOURCE,
        layers,
        layers,
        Inputs("base", (), None, name * 8),
        "" if shared else TESTS,
        shared=shared,
    )


def version(name: str, state: State = State.VALIDATED, created: str = "2026-01-01", **fields: Any) -> Version:
    text = ("source", "source_ami", "commit", "run", "owner", "tests", "parent")
    made = Version(
        image=name, version=f"v-{created}", state=state, fingerprint=name * 8, layers=(), tags={}, proof=TESTS,
        copies=(Copy(f"ami-{name}-{created}", "123456789012", "us-east-1", "", created),), **dict.fromkeys(text, ""),
    )  # fmt: skip
    return replace(made, **fields)


FAMILY = (segment("golden", None), segment("web", "golden"), segment("shop", "web"))


def decided(
    wanted: set[str], versions: list[Version], family: tuple[Segment, ...] = FAMILY, **more: Any
) -> dict[str, str]:
    found = sorted(versions, key=lambda one: one.copy.created, reverse=True)
    return {step.name: str(step.action) for step in steps(family, wanted=wanted, account=known(found), **more)}


ALL = {"golden", "web", "shop"}


def test_steps_when_account_is_empty() -> None:
    """Everything that a wanted image stands on is built."""
    assert decided({"web"}, []) == {"golden": "build", "web": "build"}


def test_steps_when_nothing_changed() -> None:
    """Proven images are left as they are, and there is nothing to do."""
    found = [version("golden"), version("web"), version("shop")]
    planned = steps(FAMILY, wanted=ALL, account=known(found))
    assert [step.action for step in planned] == [Action.REUSE] * 3
    assert is_empty(planned)
    assert decided({"shop"}, found) == {"shop": "reuse"}


def test_steps_when_parent_is_validated() -> None:
    """The newest validated parent of the same fingerprint is reused."""
    found = [version("golden", created="2026-01-01"), version("golden", created="2026-02-01")]
    planned = steps(FAMILY, wanted={"web"}, account=known(reversed(found)))
    assert [(step.name, str(step.action), step.found and step.found.ami_id) for step in planned] == [
        ("golden", "reuse", "ami-golden-2026-02-01"),
        ("web", "build", None),
    ]


def test_steps_when_tests_changed() -> None:
    """Changed tests prove the AMI that is there, and build nothing; the parent's verdict is awaited."""
    found = [version(name, proof="old") for name in ("golden", "web", "shop")]
    assert decided(ALL, found) == {"golden": "validate", "web": "validate", "shop": "validate"}
    awaited = {step.name: step.awaits for step in steps(FAMILY, wanted=ALL, account=known(found))}
    assert awaited == {"golden": "", "web": "golden", "shop": "web"}
    assert decided({"shop"}, [version("golden"), version("web"), version("shop", proof="old")]) == {"shop": "validate"}


def test_steps_when_a_run_was_cut_off() -> None:
    """An AMI that was built and not tested is adopted: it is tested, not built again."""
    assert decided(ALL, [version("golden", State.BUILT)]) == {"golden": "validate", "web": "build", "shop": "build"}
    assert decided({"web"}, [version("golden", State.BUILT)]) == {"golden": "validate", "web": "build"}


@pytest.mark.parametrize("state", [State.DEPRECATED, State.DISABLED, State.REVOKED])
def test_steps_when_parent_is_no_good(state: State) -> None:
    """Nothing is built on it; it is built again."""
    assert decided({"web"}, [version("golden", state)]) == {"golden": "build", "web": "build"}


def test_steps_when_an_image_was_rejected() -> None:
    """With the same tests it stays rejected unless something else is asked for, with others it is tested again."""
    good = version("golden")
    found = [good, version("web", State.REJECTED)]
    assert decided({"web"}, found) == {"web": "rejected"}
    assert is_empty(steps(FAMILY, wanted={"web"}, account=known(found)))
    assert decided({"web"}, found, anew={"web"}) == {"golden": "reuse", "web": "build"}
    assert decided({"web"}, found, again={"web"}) == {"web": "validate"}
    assert decided({"shop"}, found) == {"web": "rejected", "shop": "rejected"}
    assert decided({"shop"}, found, again={"web", "shop"}) == {"web": "validate", "shop": "build"}
    assert decided({"web"}, [good, version("web", State.REJECTED, proof="old")]) == {"web": "validate"}


def test_steps_when_building_anew_came_to_nothing() -> None:
    """A rejected second AMI of a fingerprint does not take the proven first one's place."""
    found = [version("golden"), version("golden", State.REJECTED, "2026-02-01")]
    assert decided({"golden"}, found) == {"golden": "reuse"}


def test_steps_when_an_ami_is_disabled() -> None:
    """It is neither reused nor built on, and stands in no other one's way; what was built on it before stays good."""
    off = version("golden", State.DISABLED, "2026-02-01")
    assert decided({"golden"}, [off]) == {"golden": "build"}
    (step,) = steps(FAMILY, wanted={"golden"}, account=known([off]))
    assert step.reason == "v-2026-02-01 is disabled"
    assert decided({"golden"}, [off, version("golden")]) == {"golden": "reuse"}
    assert decided({"golden"}, [off, version("golden", State.BUILT)]) == {"golden": "validate"}
    assert decided({"web"}, [off, version("web")]) == {"web": "reuse"}
    assert off.ami_id in known([off]).ami_ids


def test_steps_when_a_good_image_stands_on_a_rejected_one() -> None:
    """It is no good either; once the rejected one is built anew, so is what stands on it."""
    found = [version("golden", State.REJECTED), version("web"), version("shop")]
    assert decided({"web"}, found) == {"golden": "rejected", "web": "rejected"}
    assert decided({"web"}, found, anew={"golden"}) == {"golden": "build", "web": "build"}


def test_steps_when_the_parents_ami_is_gone() -> None:
    """A proven image needs its parent no more."""
    assert decided({"web"}, [version("web")]) == {"web": "reuse"}


def test_steps_when_asked_to_build_anew() -> None:
    """What is named is built although nothing changed, on what is there."""
    found = [version("golden"), version("web")]
    assert decided({"web"}, found, anew={"web"}) == {"golden": "reuse", "web": "build"}


SHARED = (
    segment("stack-base-1a2b3c4d", None, shared=True),
    segment("web", "stack-base-1a2b3c4d"),
    segment("shop", "stack-base-1a2b3c4d"),
)
BOTH = {"web", "shop"}


def test_steps_when_a_shared_segment_stands() -> None:
    """It is reused by whoever is built, however it came to be; it is left out when nothing is built on it."""
    stack = version("stack-base-1a2b3c4d", State.BUILT, purpose=STACK)
    assert decided(BOTH, [stack], SHARED) == {"stack-base-1a2b3c4d": "reuse", "web": "build", "shop": "build"}
    image = version("other", fingerprint="stack-base-1a2b3c4d" * 8)
    assert decided(BOTH, [image], SHARED)["stack-base-1a2b3c4d"] == "reuse"
    rejected = replace(image, state=State.REJECTED)
    assert decided(BOTH, [rejected], SHARED)["stack-base-1a2b3c4d"] == "build"
    assert decided(BOTH, [stack, version("web"), version("shop")], SHARED) == {"web": "reuse", "shop": "reuse"}
    assert decided(BOTH, [version("web"), version("shop")], SHARED) == {"web": "reuse", "shop": "reuse"}


def test_steps_when_an_image_below_a_shared_segment_awaits_its_verdict() -> None:
    """The verdict is awaited through what lies between."""
    family = (
        segment("golden", None),
        segment("stack-x-1a2b3c4d", "golden", shared=True),
        segment("web", "stack-x-1a2b3c4d"),
    )
    stack = version("stack-x-1a2b3c4d", State.BUILT, purpose=STACK)
    planned = steps(family, wanted={"web"}, account=known([version("golden", State.BUILT), stack]))
    assert [(step.name, str(step.action), step.awaits) for step in planned] == [
        ("golden", "validate", ""),
        ("stack-x-1a2b3c4d", "reuse", "golden"),
        ("web", "build", "golden"),
    ]


def test_steps_when_earlier_runs_tell_how_long() -> None:
    """The newest known times count, also for a shared segment whose fingerprint is another one now."""
    found = [
        version("web", fingerprint="x", seconds="build=40 validate=10", created="2026-02-01"),
        version("web", fingerprint="y", seconds="build=4 validate=1", created="2026-01-01"),
        version("stack-base-ffffffff", State.BUILT, fingerprint="z", purpose=STACK, seconds="build=60"),
    ]
    planned = {step.name: step.seconds for step in steps(SHARED, wanted=BOTH, account=known(found))}
    assert planned == {"stack-base-1a2b3c4d": 60, "web": 50, "shop": None}


def test_step_when_shown_as_json() -> None:
    """A step says what is done, on what, and why."""
    assert PlanStep(FAMILY[0], Action.BUILD, "not built yet").as_json() == {
        "image": "golden",
        "segment": "golden",
        "shared": False,
        "action": "build",
        "built_on": "debian",
        "layers": ["base"],
        "ami_id": None,
        "fingerprint": "golden" * 8,
        "reason": "not built yet",
        "seconds": None,
    }
