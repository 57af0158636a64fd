"""What is known of many leases with few requests."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.run.leases import lookout as lookout_module
from orchestrator.run.leases.lease import LeaseHeld, Leases
from orchestrator.run.leases.lookout import Lookout
from orchestrator.run.leases.owner import this_process
from tests.unit.run.leases.conftest import BUCKET

if TYPE_CHECKING:
    from orchestrator.aws.account import Account
    from orchestrator.run.leases.lease_record import Records

ME = this_process("20261125T004200Z-0a1b2c")
ELSEWHERE = replace(ME, run="20261125T004100Z-d3e4f5", host="ci-7", machine="elsewhere")
THIRD = replace(ELSEWHERE, run="20261125T004300Z-aaaaaa")
GHOST = replace(ME, birth="1")


class Clock:
    """The time as the lookout sees it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(lookout_module, "time", made)
    return made


@pytest.fixture
def requests(account: Account) -> list[str]:
    """The names of the requests that S3 gets."""
    made: list[str] = []
    s3: Any = account.client("s3")
    s3.meta.events.register("before-call.s3.*", lambda model, **_: made.append(model.name))
    return made


def held(records: Records, key: str, owner: Any = ELSEWHERE) -> str:
    return records.write(key, owner, token=key, ttl=60, held=30)


def refused(account: Account, key: str) -> LeaseHeld:
    """What an attempt to take a lease is refused with."""
    with pytest.raises(LeaseHeld) as raised, Leases(account, BUCKET, ME).take(key):
        pytest.fail("it was free")
    return raised.value


def test_take_when_it_is_held(account: Account, records: Records) -> None:
    """It is refused at once, and says who holds it and for how long; the lease stays as it was."""
    etag = held(records, "build/x")
    refusal = refused(account, "build/x")
    assert refusal.record is not None
    assert (refusal.key, refusal.record.owner, refusal.record.etag) == ("build/x", ELSEWHERE, etag)
    assert 30 <= refusal.record.lasted < 40


def test_take_when_its_owner_is_dead(account: Account, records: Records) -> None:
    """It is ours at once, for as long as the block lasts."""
    held(records, "build/x", GHOST)
    with Leases(account, BUCKET, ME).take("build/x"):
        there = records.read("build/x", ttl=60)
        assert there is not None
        assert there.owner == ME
    assert list(records.keys()) == []


def test_free_when_leases_end(account: Account, records: Records, clock: Clock, requests: list[str]) -> None:
    """One list finds out what is gone, and nothing is asked before its time."""
    etags = {key: held(records, key) for key in ("build/x", "build/y", "validate/z")}
    waited = {key: refused(account, key).record for key in etags}
    requests.clear()
    lookout = Lookout(records)
    records.delete("build/y", etags["build/y"])
    assert lookout.free(waited) == set()
    clock.now += 1.3
    assert lookout.free(waited) == {"build/y"}
    assert lookout.free(waited) == set()
    assert requests == ["DeleteObject", "ListObjectsV2"]


def test_free_when_another_owner_has_taken_it(
    account: Account, records: Records, clock: Clock, requests: list[str]
) -> None:
    """It is waited for all the same, and it is known for whom."""
    etag = held(records, "build/x")
    waited = {"build/x": refused(account, "build/x").record}
    records.write("build/x", THIRD, token="theirs", ttl=60, over=etag)
    requests.clear()
    lookout = Lookout(records)
    lookout.free(waited)
    for _ in range(2):
        clock.now += 10
        assert lookout.free(waited) == set()
    record = lookout.known["build/x"]
    assert record is not None
    assert record.owner == THIRD
    assert requests == ["ListObjectsV2", "GetObject", "ListObjectsV2"]


def test_free_when_a_process_of_this_machine_is_gone(account: Account, records: Records, requests: list[str]) -> None:
    """It is noticed without a request."""
    held(records, "build/x")
    record = refused(account, "build/x").record
    assert record is not None
    requests.clear()
    assert Lookout(records).free({"build/x": replace(record, owner=GHOST)}) == {"build/x"}
    assert requests == []


def test_free_when_an_owner_is_silent(records: Records, clock: Clock) -> None:
    """A lease that was not renewed for longer than it promises is free, although it is there."""
    records.write("build/x", ELSEWHERE, token="theirs", ttl=-1)
    waited = {"build/x": records.read("build/x", ttl=60)}
    lookout = Lookout(records)
    lookout.free(waited)
    clock.now += 10
    assert lookout.free(waited) == {"build/x"}
