"""What is left alone, and what is said of it: a function of values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.aws.resources.image import KIND as IMAGE
from orchestrator.aws.resources.instance import KIND as INSTANCE
from orchestrator.aws.resources.key_pair import KIND as KEY_PAIR
from orchestrator.aws.resources.snapshot import KIND as SNAPSHOT
from orchestrator.run.sweep.inventory import Resource
from orchestrator.run.sweep.left_alone import left_alone
from orchestrator.run.sweep.liveness import Liveness

if TYPE_CHECKING:
    from orchestrator.aws.resource_kind import Ec2Kind

DEAD, ALIVE = "20261125T004200Z-dead00", "20261125T004200Z-a11ce0"
FATES = {DEAD: Liveness(dead=True, why="it died"), ALIVE: Liveness(dead=False, why="it lives")}


def seen(kind: Ec2Kind, thing: str, run: str = ALIVE, **more: Any) -> Resource:
    tags = {"ami:run": run, "ami:purpose": "build", **more.pop("tags", {})}
    return Resource(kind, thing, "us-east-1", tags={key: value for key, value in tags.items() if value}, **more)


def told(*things: Resource) -> list[tuple[str, str, list[str]]]:
    return [(one.run, one.why, [thing.id for thing in one.things]) for one in left_alone(things, FATES)]


def test_left_alone_when_a_run_lives() -> None:
    """All that it has on its way is told, its half-made AMI too; of a dead run's nothing is."""
    things = [seen(INSTANCE, run, run) for run in FATES]
    things += [seen(IMAGE, f"ami-{run}", run, state="pending") for run in FATES]
    assert told(*things) == [(ALIVE, "it lives", [ALIVE, f"ami-{ALIVE}"])]


def test_left_alone_when_a_living_runs_ami_has_no_tags() -> None:
    """It is known by its name."""
    key = seen(KEY_PAIR, "k", tags={"ami:name": "web-1"})
    assert told(key, Resource(IMAGE, "ami-1", "us-east-1", name="web-1")) == [(ALIVE, "it lives", ["k", "ami-1"])]


def test_left_alone_when_an_ami_is_finished() -> None:
    """It is no leftover, nor is its snapshot, although that has the tags of a build."""
    good = seen(IMAGE, "ami-1", tags={"ami:state": "built"}, state="available", snapshots=frozenset({"snap-1"}))
    assert told(good, seen(SNAPSHOT, "snap-1"), seen(SNAPSHOT, "snap-2", image="ami-1")) == []


def test_left_alone_when_nothing_is_proven() -> None:
    """An AMI of ours without a state is told all the same: of a dead run, or of nobody known."""
    ours = seen(IMAGE, "ami-1", DEAD, tags={"ami:purpose": ""}, state="available")
    nobodys = seen(IMAGE, "ami-2", "", tags={"ami:image": "web"}, state="available")
    assert told(ours, nobodys) == [
        ("", "nothing tells which run made it", ["ami-2"]),
        (DEAD, "it has tags of ours, but neither a state nor those of a build", ["ami-1"]),
    ]
