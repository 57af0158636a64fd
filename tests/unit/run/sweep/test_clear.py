"""Nothing is removed of a run that turns out to live, and a plan that grew old harms nobody."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from orchestrator.definition.environment import Environment
from orchestrator.run.leases.lease import Leases, run_key
from orchestrator.run.leases.lease_record import Records
from orchestrator.run.leases.owner import this_process
from orchestrator.run.sweep.clear import Became, clear
from orchestrator.run.sweep.find import SweepScope, find, place_of, regions_of

if TYPE_CHECKING:
    from collections.abc import Iterator

RUN = "20261125T004200Z-0a1b2c"
ME = this_process(RUN)
GONE = replace(ME, birth="1")
NOW = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
DAY = timedelta(hours=24)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[SweepScope]:
    with mock_aws():
        keys = {"access_key": "test", "secret_key": "test", "artifact_bucket": "artifacts"}
        made = place_of(Environment(name="e", path=Path("/nowhere"), region="us-east-1", **keys), tmp_path)
        made.accounts["us-east-1"].client("s3").create_bucket(Bucket="artifacts")
        yield made


def ec2(place: SweepScope) -> Any:
    return place.accounts["us-east-1"].client("ec2")


def records(place: SweepScope) -> Records:
    assert isinstance(place.leases, Leases)
    return place.leases.records


def leave_key(place: SweepScope, **tags: str) -> None:
    made = {"ami:run": RUN, "ami:purpose": "build", **tags}
    spec = [{"ResourceType": "key-pair", "Tags": [{"Key": key, "Value": value} for key, value in made.items()]}]
    ec2(place).create_key_pair(KeyName="k", TagSpecifications=spec)


def keys(place: SweepScope) -> list[str]:
    return [one["KeyName"] for one in ec2(place).describe_key_pairs()["KeyPairs"]]


def test_clear_when_the_run_gives_a_sign_of_life(place: SweepScope) -> None:
    """Between the finding and the answer of a person the heart may beat again: then nothing is touched."""
    leave_key(place)
    dead = records(place).write(run_key(RUN), GONE, token="x", ttl=60)
    finding = find(place, NOW, DAY)
    assert {one.id for one in finding.remnants} == {"k", run_key(RUN)}
    assert records(place).write(run_key(RUN), ME, token="x", ttl=60, over=dead)
    assert {one.became for one in clear(place, finding, lambda _: None)} == {Became.SPARED}
    assert keys(place) == ["k"]


def test_clear_when_the_run_wakes_up_later(place: SweepScope) -> None:
    """The lease of a run that was taken for dead is lost to it."""
    leave_key(place)
    lost = threading.Event()
    assert isinstance(place.leases, Leases)
    sleeper = Leases(place.accounts["us-east-1"], "artifacts", GONE, ttl=9)  # renewed every 3 s
    with sleeper.hold(run_key(RUN), stop=threading.Event(), lost=lost.set):
        became = {Became.SPARED}
        while became == {Became.SPARED}:  # it was renewed in between
            became = {one.became for one in clear(place, find(place, NOW, DAY), lambda _: None)}
        assert became == {Became.REMOVED}
        assert lost.wait(300)
    assert keys(place) == []


def test_clear_when_the_lease_of_a_build_was_taken_meanwhile(place: SweepScope) -> None:
    """It is removed only in the state in which it was found."""
    dead = records(place).write("build/web", GONE, token="x", ttl=60)
    finding = find(place, NOW, DAY)
    assert records(place).write("build/web", ME, token="y", ttl=60, over=dead)
    (swept,) = clear(place, finding, lambda _: None)
    assert (swept.became, swept.trouble) == (Became.STAYED, f"it is held by {ME}")


def test_find_when_the_lease_is_gone(place: SweepScope) -> None:
    """What tells that it had one in this bucket is of a run that ended; of another bucket nothing is known."""
    leave_key(place, **{"ami:lease": "artifacts"})
    assert [one.why for one in find(place, NOW, DAY).remnants] == ["it ended: its lease is gone"]
    assert find(replace(place, bucket="another"), NOW, DAY).remnants == ()


def test_find_when_a_run_is_of_another_region(place: SweepScope) -> None:
    """Its lease proves its death until that region is swept."""
    Records(place.accounts["us-east-1"].client("s3"), "artifacts", "eu-west-1").write(
        run_key(RUN), GONE, token="x", ttl=60
    )
    assert find(place, NOW, DAY).remnants == ()


def test_clear_when_something_shows_itself_late(place: SweepScope) -> None:
    """What was not found at first, and is of the same dead run, goes as well."""
    leave_key(place)
    records(place).write(run_key(RUN), GONE, token="x", ttl=60)
    finding = find(place, NOW, DAY)
    made = {"ami:run": RUN, "ami:purpose": "build"}
    spec = [{"ResourceType": "volume", "Tags": [{"Key": key, "Value": value} for key, value in made.items()]}]
    late = ec2(place).create_volume(AvailabilityZone="us-east-1a", Size=1, TagSpecifications=spec)["VolumeId"]
    assert late in {one.remnant.id for one in clear(place, finding, lambda _: None) if one.became is Became.REMOVED}
    assert ec2(place).describe_volumes()["Volumes"] == []


def test_regions_of_when_an_environment_names_more() -> None:
    """The region of its builds comes first, and none comes twice."""
    regions = ("eu-west-1", "us-east-1", "ap-south-1", "eu-west-1")
    environment = Environment(name="e", path=Path("/nowhere"), region="us-east-1", regions=regions)
    assert regions_of(environment) == ("us-east-1", "eu-west-1", "ap-south-1")


def test_clear_when_something_is_in_another_region(tmp_path: Path, place: SweepScope) -> None:
    """It is found and removed there; the same name in a region that nobody named stays."""
    keys = {"access_key": "test", "secret_key": "test", "artifact_bucket": "artifacts"}
    environment = Environment(name="e", path=Path("/nowhere"), region="us-east-1", regions=("eu-west-1",), **keys)
    wide = place_of(environment, tmp_path)
    there, elsewhere = (
        place.accounts["us-east-1"].in_region(region).client("ec2") for region in ("eu-west-1", "eu-west-2")
    )
    spec: Any = [
        {
            "ResourceType": "key-pair",
            "Tags": [{"Key": "ami:run", "Value": RUN}, {"Key": "ami:purpose", "Value": "build"}],
        }
    ]
    for client in (there, elsewhere):
        client.create_key_pair(KeyName="k", TagSpecifications=spec)
    records(place).write(run_key(RUN), GONE, token="x", ttl=60)
    assert find(place, NOW, DAY).remnants[:-1] == ()
    finding = find(wide, NOW, DAY)
    assert [(one.id, one.region) for one in finding.remnants] == [("k", "eu-west-1"), (run_key(RUN), "us-east-1")]
    assert {one.became for one in clear(wide, finding, lambda _: None)} == {Became.REMOVED}
    assert there.describe_key_pairs()["KeyPairs"] == []
    assert len(elsewhere.describe_key_pairs()["KeyPairs"]) == 1
    assert set(records(wide).keys()) == set()
