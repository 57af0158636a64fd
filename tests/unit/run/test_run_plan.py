"""What a run decides before it touches anything."""

from __future__ import annotations

from pathlib import Path

from orchestrator.definition.image import Image, Owner
from orchestrator.definition.layer import LayerUse
from orchestrator.definition.source import Source
from orchestrator.plan.segment import PlannedLayer, Segment
from orchestrator.registry import State, Version
from orchestrator.run.plan import Step, plan
from orchestrator.run.source import SourceAmi

SOURCE = Source(name="debian", ami_id="ami-0123456789abcdef0", ssh_username="admin")
SOURCES = {"debian": SourceAmi("ami-debian", "debian-12", "136693071363")}
OWNER = Owner(team="images", email="images@example.com")


def segment(name: str, parent: str | None) -> Segment:
    image = Image(name=name, description=name, owner=OWNER, from_=parent or "debian", layers=(LayerUse(name="base"),))
    layers = (PlannedLayer("base", (), {}, Path("playbooks/base.yml")),)
    return Segment(image, parent, SOURCE, layers, layers, fingerprint=name * 8)


def version(name: str, state: State = State.VALIDATED, created: str = "2026-01-01") -> Version:
    text = ("name", "source", "source_ami", "commit", "run", "owner", "tests", "parent")
    rest = dict.fromkeys(text, "")
    return Version(
        image=name, version=f"v-{created}", ami_id=f"ami-{name}-{created}", state=state, fingerprint=name * 8,
        created=created, region="us-east-1", layers=(), tags={}, **rest,
    )  # fmt: skip


FAMILY = (segment("golden", None), segment("web", "golden"), segment("shop", "web"))


def decided(wanted: set[str], versions: list[Version]) -> list[tuple[str, str, str]]:
    steps = plan(FAMILY, wanted=wanted, versions=versions, sources=SOURCES)
    return [(step.segment.image.name, "reuse" if step.reuse else "build", step.base) for step in steps]


def test_plan_when_account_is_empty() -> None:
    """Everything that a wanted image stands on is built; only the first knows its base."""
    assert decided({"web"}, []) == [("golden", "build", "ami-debian"), ("web", "build", "")]


def test_plan_when_parent_is_validated() -> None:
    """The newest validated parent of the same fingerprint is reused."""
    found = [version("golden", created="2026-01-01"), version("golden", created="2026-02-01")]
    assert decided({"web"}, found) == [
        ("golden", "reuse", "ami-debian"),
        ("web", "build", "ami-golden-2026-02-01"),
    ]


def test_plan_when_parent_is_rejected() -> None:
    """Nothing is built on what did not pass its tests."""
    assert decided({"web"}, [version("golden", State.REJECTED)])[0] == ("golden", "build", "ami-debian")


def test_plan_when_image_is_asked_for() -> None:
    """What was asked for by name is built even when a good version exists."""
    assert decided({"golden"}, [version("golden")]) == [("golden", "build", "ami-debian")]


def test_plan_when_grandparent_is_built_anew() -> None:
    """A parent is not reused when what it stands on is built anew."""
    steps = decided({"golden", "shop"}, [version("golden"), version("web")])
    assert [step[:2] for step in steps] == [("golden", "build"), ("web", "build"), ("shop", "build")]


def test_plan_when_parent_is_reused() -> None:
    """What a reused parent stands on is of no concern."""
    steps = decided({"shop"}, [version("golden"), version("web")])
    assert [step[:2] for step in steps] == [("web", "reuse"), ("shop", "build")]


def test_step_when_shown_as_json() -> None:
    """A step says what is done, on what, and why."""
    step = Step(FAMILY[0], "ami-debian", None, "asked for")
    assert step.as_json() == {
        "image": "golden",
        "action": "build",
        "on": "debian",
        "base": "ami-debian",
        "ami_id": "",
        "layers": ["base"],
        "fingerprint": "golden" * 8,
        "reason": "asked for",
    }
