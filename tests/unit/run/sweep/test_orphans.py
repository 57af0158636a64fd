"""What a dead run left, and nothing else: a function of values."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.aws.kinds import EC2_KINDS
from orchestrator.aws.resources.image import KIND as IMAGE
from orchestrator.aws.resources.instance import KIND as INSTANCE
from orchestrator.aws.resources.key_pair import KIND as KEY_PAIR
from orchestrator.aws.resources.security_group import KIND as SECURITY_GROUP
from orchestrator.aws.resources.snapshot import KIND as SNAPSHOT
from orchestrator.aws.resources.volume import KIND as VOLUME
from orchestrator.run.sweep.inventory import Resource
from orchestrator.run.sweep.liveness import Liveness, RunEvidence, Sign, Trace
from orchestrator.run.sweep.orphans import Orphan, left_by, remnants

if TYPE_CHECKING:
    from orchestrator.aws.resource_kind import Ec2Kind, ResourceKind

DEAD, ALIVE, UNKNOWN = "20261125T004200Z-dead00", "20200101T004200Z-a11ce0", "20261125T013000Z-0dd000"
NOW = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
DAY = timedelta(hours=24)
RUNS = {
    DEAD: RunEvidence(lease=Trace(Sign.DEAD, "died")),
    ALIVE: RunEvidence(lease=Trace(Sign.LIVES, "lives")),
    UNKNOWN: RunEvidence(),
}
REGION = "us-east-1"
GOOD = {"ami:state": "built", "ami:fingerprint": "f00d"}


def seen(kind: Ec2Kind, thing: str, run: str = DEAD, *, purpose: str = "build", **more: Any) -> Resource:
    tags = {"ami:run": run, "ami:purpose": purpose, **more.pop("tags", {})} if run else more.pop("tags", {})
    return Resource(kind, thing, more.pop("region", REGION), tags=tags, **more)


def image(ami_id: str, run: str = "", *, state: str = "available", **more: Any) -> Resource:
    tags = {**({"ami:run": run} if run else {}), **more.pop("tags", {})}
    return Resource(IMAGE, ami_id, REGION, tags=tags, state=state, **more)


def ids(*things: Resource) -> set[str]:
    return {one.id for one in remnants(things, RUNS, NOW, DAY)}


def test_remnants_when_a_run_died() -> None:
    """In the order of removal, proofs last, each with what proves the death."""
    things = [
        seen(kind, kind.name)
        for kind in (
            KEY_PAIR,
            SECURITY_GROUP,
            VOLUME,
            SNAPSHOT,
            INSTANCE,
        )
    ]
    found = remnants([*things, image("ami-1", DEAD, state="pending")], RUNS, NOW, DAY)
    order = [
        INSTANCE,
        IMAGE,
        SNAPSHOT,
        VOLUME,
        SECURITY_GROUP,
        KEY_PAIR,
    ]
    assert [one.kind for one in found] == order
    assert found[0] == Orphan(INSTANCE, "instance", REGION, DEAD, "died")


def test_remnants_when_a_machine_is_going() -> None:
    """What is gone already is not removed once more."""
    assert (
        ids(
            seen(INSTANCE, "i-1", state="terminated"),
            seen(INSTANCE, "i-2", state="shutting-down"),
        )
        == set()
    )


def test_remnants_when_the_purpose_is_another() -> None:
    """Only what a build or a validation makes on its way is passing."""
    assert ids(seen(INSTANCE, "i-1", purpose="serve"), seen(SNAPSHOT, "snap-1", purpose="backup")) == set()


def test_remnants_when_an_ami_is_finished() -> None:
    """It stays with its snapshots, although those carry the tags of a build."""
    done = image("ami-1", DEAD, tags=GOOD, snapshots=frozenset({"snap-1"}))
    assert ids(done, seen(SNAPSHOT, "snap-1"), seen(SNAPSHOT, "snap-2", image="ami-1")) == set()


def test_remnants_when_an_ami_is_disabled() -> None:
    """A version that was retired was finished once."""
    off = image("ami-1", DEAD, state="disabled", tags=GOOD, snapshots=frozenset({"snap-1"}))
    assert ids(off, seen(SNAPSHOT, "snap-1")) == set()


def test_remnants_when_an_ami_has_no_tags() -> None:
    """The name that a dead run's key pair tells makes it the run's, whatever its state; its snapshot goes with it."""
    key = seen(KEY_PAIR, "k", tags={"ami:name": "web-1"})
    half = image("ami-1", name="web-1", snapshots=frozenset({"snap-1"}))
    by_text = seen(SNAPSHOT, "snap-2", run="", image="ami-1")
    assert ids(key, half, seen(SNAPSHOT, "snap-1", run=""), by_text) == {"k", "ami-1", "snap-1", "snap-2"}
    assert ids(key, replace(half, name="web-2")) == {"k"}
    assert ids(key, replace(half, state="disabled")) == {"k"}
    assert ids(key, replace(half, tags={"ami:image": "web"})) == {"k"}


def test_remnants_when_an_ami_has_no_state() -> None:
    """With the tags of its build it is a remnant, available or not, and its snapshots too; the proof is told."""
    begun = {"ami:purpose": "build"}
    half = image("ami-1", DEAD, tags=begun, snapshots=frozenset({"snap-1"}))
    things = [half, seen(SNAPSHOT, "snap-1"), seen(SNAPSHOT, "snap-2", run="", image="ami-1")]
    assert ids(*things) == {"ami-1", "snap-1", "snap-2"}
    assert [one.proof for one in remnants(things, RUNS, NOW, DAY)] == [
        "it has the run's tags, and no state",
        "",
        "it was made for ami-1",
    ]
    assert ids(image("ami-1", ALIVE, tags=begun), image("ami-2", UNKNOWN, tags=begun)) == set()
    assert ids(replace(half, state="disabled"), replace(half, tags={**half.tags, **GOOD})) == set()


def test_remnants_when_an_ami_may_be_somebodys() -> None:
    """Tags of ours that are not those of a build prove nothing."""
    assert ids(image("ami-1", DEAD), image("ami-2", DEAD, tags={"ami:purpose": "stack"})) == set()


def test_remnants_when_packer_made_an_ami_to_encrypt_it() -> None:
    """It goes with its snapshot when the run of its machine is dead; one of the same machine by hand stays."""
    machine = seen(INSTANCE, "i-1", state="terminated")
    things = [
        image("ami-1", name="a1B2c3D", snapshots=frozenset({"snap-1"})),
        seen(SNAPSHOT, "snap-1", run="", instance="i-1", image="ami-1"),
        image("ami-2", name="by hand"),
        seen(SNAPSHOT, "snap-2", run="", instance="i-1", image="ami-2"),
    ]
    assert ids(machine, *things) == {"ami-1", "snap-1"}
    assert ids(seen(INSTANCE, "i-1", ALIVE), *things) == set()


def test_remnants_when_a_living_run_makes_an_ami_of_that_name() -> None:
    """Then it is not known whose it is, and it stays."""
    keys = [seen(KEY_PAIR, run, run, tags={"ami:name": "web-1"}) for run in (DEAD, ALIVE)]
    assert ids(*keys, image("ami-1", name="web-1")) == {DEAD}


def test_remnants_when_a_snapshot_was_made_of_a_dead_runs_machine() -> None:
    """Without tags and with its AMI gone it is known by the machine; of other machines it is anybody's."""
    machine = seen(INSTANCE, "i-1", state="terminated")
    mine = seen(SNAPSHOT, "snap-1", run="", instance="i-1", image="ami-9")
    theirs = seen(SNAPSHOT, "snap-2", run="", instance="i-2", image="ami-8")
    assert ids(machine, mine, theirs) == {"snap-1"}
    assert ids(machine, mine, image("ami-9", name="by hand")) == set()
    assert ids(replace(machine, tags={**machine.tags, "ami:keep": "true"}), mine) == set()


def test_remnants_when_something_was_kept() -> None:
    """It is found, and marked."""
    (kept,) = remnants([seen(INSTANCE, "i-1", tags={"ami:keep": "true"})], RUNS, NOW, DAY)
    assert kept.kept


def test_remnants_when_regions_differ() -> None:
    """An AMI in one region says nothing of a snapshot in another."""
    used = image("ami-1", DEAD, tags=GOOD, snapshots=frozenset({"snap-1"}))
    assert ids(used, seen(SNAPSHOT, "snap-1", region="eu-west-1")) == {"snap-1"}


SNAPSHOTS = ("snap-1", "snap-2", "snap-3")
NAMES = ("web-1", "web-2", "a1B2c3D")
RUN_TAGS = st.sampled_from(["", DEAD, ALIVE, UNKNOWN, "manual"])


@st.composite
def anything(draw: st.DrawFn) -> Resource:
    """Things that refer to each other at random."""
    kind, run = draw(st.sampled_from(EC2_KINDS)), draw(RUN_TAGS)
    tags = {"ami:run": run} if run else {}
    for key, values in {
        "ami:purpose": ("build", "validate", "serve"),
        "ami:name": NAMES,
        "ami:state": ("built",),
        "ami:fingerprint": ("f",),
        "ami:keep": ("true",),
        "Name": NAMES,
    }.items():
        if draw(st.booleans()):
            tags[key] = draw(st.sampled_from(values))
    is_image, is_snapshot = kind is IMAGE, kind is SNAPSHOT
    pool = SNAPSHOTS if is_snapshot else tuple(f"{kind.name}-{number}" for number in range(3))
    return Resource(
        kind,
        draw(st.sampled_from(pool)),
        draw(st.sampled_from(["us-east-1", "eu-west-1"])),
        tags,
        state=draw(st.sampled_from(["available", "pending", "failed", "disabled", "running", "terminated"])),
        name=draw(st.sampled_from(NAMES)) if is_image else "",
        snapshots=draw(st.frozensets(st.sampled_from(SNAPSHOTS))) if is_image else frozenset(),
        instance=draw(st.sampled_from(["", "INSTANCE-0", "INSTANCE-1"])) if is_snapshot or is_image else "",
        image=draw(st.sampled_from(["", "IMAGE-0", "IMAGE-1"])) if is_snapshot else "",
    )


THINGS = st.lists(anything(), max_size=12, unique_by=lambda one: (one.kind, one.id, one.region))


@given(THINGS, st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=9)))
def test_remnants_when_anything_is_there(things: list[Resource], older_than: timedelta) -> None:
    """Nothing of a run that lives, nothing that no dead run's tag leads to, nothing finished, nothing that it uses."""
    by_key: dict[tuple[ResourceKind, str, str], Resource] = {(one.kind, one.id, one.region): one for one in things}
    dead_runs = {DEAD} | ({UNKNOWN} if older_than < timedelta(minutes=30) else set())
    claimed = {(one.tags["ami:name"], one.region) for one in things if one.run in dead_runs and "ami:name" in one.tags}
    half = set()
    found = remnants(things, RUNS, NOW, older_than)
    for remnant in found:
        one = by_key[remnant.kind, remnant.id, remnant.region]
        assert remnant.run in dead_runs
        assert one.run in ("", remnant.run)
        if one.kind is IMAGE:
            half.add((one.id, one.region))
            assert not (one.state == "available" and "ami:state" in one.tags)
            assert one.state != "disabled"
            assert one.run or (one.name, one.region) in claimed or (one.name == "a1B2c3D" and not one.tags)
        elif one.kind is not SNAPSHOT:
            assert one.run
    for one in things:
        if one.kind is IMAGE and (one.id, one.region) not in half:
            removed = {remnant.id for remnant in found if remnant.region == one.region}
            assert not removed & one.snapshots
            assert one.id not in {
                by_key[remnant.kind, remnant.id, remnant.region].image
                for remnant in found
                if remnant.region == one.region
            }


@given(THINGS)
def test_remnants_when_no_run_is_dead(things: list[Resource]) -> None:
    """Then nothing is a remnant."""
    assert left_by({run: Liveness(dead=False, why="") for run in RUNS}, things) == ()


@given(THINGS, st.randoms())
def test_remnants_when_things_are_told_in_another_order(things: list[Resource], random: Any) -> None:
    """The order in which EC2 tells them makes no difference."""
    shuffled = things.copy()
    random.shuffle(shuffled)
    assert remnants(things, RUNS, NOW, DAY) == remnants(shuffled, RUNS, NOW, DAY)
