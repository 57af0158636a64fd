"""Leases decide by what the bucket holds: answers that are lost, and owners that come back, change nothing."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.errors import Interrupted, LackError
from orchestrator.run.leases.lease import Leases, NoLeases, leases_of, run_key
from orchestrator.run.leases.lease_record import Record, Records
from orchestrator.run.leases.owner import LeaseOwner, this_process
from orchestrator.run.session.identity import begin
from orchestrator.run.session.life import life_of
from tests.unit.run.leases.conftest import BUCKET
from tests.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.aws.account import Account

ME = this_process("20261125T004200Z-0a1b2c")
ELSEWHERE = replace(ME, run="20261125T004100Z-d3e4f5", host="ci-7", machine="elsewhere")


def put(records: Records, owner: LeaseOwner, key: str = "build/x", *, over: str = "") -> str:
    return records.write(key, owner, token="theirs", ttl=60, over=over)


class Repeating:
    """An S3 whose first answer to each change is lost: boto3 repeats, and S3 answers the repetition."""

    def __init__(self, s3: Any) -> None:
        self._s3 = s3

    def __getattr__(self, name: str) -> Any:
        return getattr(self._s3, name)

    def put_object(self, **arguments: Any) -> Any:
        self._s3.put_object(**arguments)
        return self._s3.put_object(**arguments)

    def delete_object(self, **arguments: Any) -> Any:
        self._s3.delete_object(**arguments)
        return self._s3.delete_object(**arguments)


def test_record_when_answers_are_lost(account: Account) -> None:
    """What was written is ours, although the repetition of the request was refused."""
    records = Records(Repeating(account.client("s3")), BUCKET, "us-east-1")
    first = records.write("build/x", ME, token="mine", ttl=60)
    second = records.write("build/x", ME, token="mine", ttl=60, over=first)
    assert "" not in (first, second)
    assert first != second
    assert records.delete("build/x", second)
    assert records.read("build/x", ttl=60) is None


def test_record_when_it_is_read_back(records: Records) -> None:
    """The object tells who holds it."""
    put(records, ELSEWHERE)
    read = records.read("build/x", ttl=60)
    assert read is not None
    assert (read.owner, read.ttl, read.token, read.region) == (ELSEWHERE, 60, "theirs", "us-east-1")
    assert list(records.keys()) == ["build/x"]


def test_record_when_it_is_not_ours(account: Account, records: Records) -> None:
    """An object of somebody else's counts as a lease of an unknown owner, with the time to live that we use."""
    account.client("s3").put_object(Bucket=BUCKET, Key="leases/build/x", Body=b"hello")
    read = records.read("build/x", ttl=7)
    assert read is not None
    assert (read.owner, read.ttl, read.dead) == (None, 7, False)


def test_write_when_two_take_over_at_once(records: Records) -> None:
    """Only one of those who saw the same state wins."""
    dead = put(records, ELSEWHERE)
    assert [bool(records.write("build/x", ME, token=str(n), ttl=60, over=dead)) for n in range(3)] == [
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(("age", "ttl", "dead"), [(60, 60, False), (61, 60, True), (2, 1.5, False), (3, 1.5, True)])
def test_dead_when_its_owner_is_elsewhere(age: int, ttl: float, *, dead: bool) -> None:
    """Times are whole seconds, cut off: only more than the time to live proves that it has passed."""
    assert Record("k", "e", "t", ELSEWHERE, age, ttl).dead is dead


@pytest.mark.parametrize(("birth", "dead"), [(ME.birth, False), ("1", True)], ids=["alive", "gone"])
def test_dead_when_its_owner_is_of_this_machine(birth: str, *, dead: bool) -> None:
    """A process that is gone is dead at once."""
    assert Record("k", "e", "t", replace(ME, birth=birth), 0, 60).dead is dead


def test_hold_when_it_ends(account: Account, records: Records) -> None:
    """The lease is there as long as the block, and no longer, whatever ends it."""
    held: list[str] = []

    def work() -> None:
        with Leases(account, BUCKET, ME).hold("build/x", stop=threading.Event()):
            held.extend(records.keys())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert held == ["build/x"]
    assert list(records.keys()) == []


def test_hold_when_it_is_left(account: Account, records: Records) -> None:
    """What is left stays as a sign."""
    leases = Leases(account, BUCKET, ME)
    with leases.hold("build/x", stop=threading.Event()):
        leases.leave("build/x")
    assert list(records.keys()) == ["build/x"]


def test_hold_when_stopped_while_waiting(account: Account, records: Records) -> None:
    """The wait tells once for whom, and ends with Interrupted; the lease stays with its owner."""
    put(records, ELSEWHERE)
    stop = threading.Event()
    told: list[LeaseOwner] = []
    threading.Timer(1.5, stop.set).start()
    waiting = Leases(account, BUCKET, ME).hold("build/x", stop=stop, waiting=told.append)
    with pytest.raises(Interrupted, match="run 20261125T004100Z-d3e4f5"), waiting:
        pytest.fail("it was not free")
    assert told == [ELSEWHERE]
    read = records.read("build/x", ttl=60)
    assert read is not None
    assert read.token == "theirs"


def test_hold_when_it_was_taken_over(account: Account, records: Records) -> None:
    """A renewal finds out and says so once; the new owner's lease outlives the block."""
    lost: list[float] = []
    told = threading.Event()

    def tell() -> None:
        lost.append(time.monotonic())
        told.set()

    leases = Leases(account, BUCKET, ME, ttl=0.3)
    with leases.hold("build/x", stop=threading.Event(), lost=tell):
        assert taken_over(records)
        assert told.wait(300)
        time.sleep(0.5)  # of further beats
    assert len(lost) == 1
    read = records.read("build/x", ttl=60)
    assert read is not None
    assert read.owner == ELSEWHERE


def test_hold_when_it_was_taken_over_and_ends_unaware(account: Account, records: Records) -> None:
    """Between two beats nobody has been told yet: the new owner's lease stays all the same."""
    with Leases(account, BUCKET, ME).hold("build/x", stop=threading.Event()):
        assert taken_over(records)
    read = records.read("build/x", ttl=60)
    assert read is not None
    assert read.owner == ELSEWHERE


def taken_over(records: Records) -> bool:
    """What somebody does who believes that the owner is dead. A beat in between makes it fail: then again."""
    for _ in range(20):
        there = records.read("build/x", ttl=60)
        if there is not None and put(records, ELSEWHERE, over=there.etag):
            return True
    return False


def test_hold_when_it_is_gone(account: Account, records: Records) -> None:
    """Somebody took it, and is done with it: it is lost as well, and is not made again."""
    lost = threading.Event()
    with Leases(account, BUCKET, ME, ttl=0.3).hold("build/x", stop=threading.Event(), lost=lost.set):
        account.client("s3").delete_object(Bucket=BUCKET, Key="leases/build/x")
        assert lost.wait(300)
    assert list(records.keys()) == []


def test_hold_when_the_bucket_is_out_of_reach_for_a_while(account: Account, records: Records) -> None:
    """A renewal that fails is tried again; nothing is lost, nothing raises."""
    lost, refused = threading.Event(), threading.Event()
    s3: Any = account.client("s3")

    def refuse(**_: Any) -> tuple[Any, dict[str, Any]]:
        """A network that is not there, as botocore sees it."""
        refused.set()
        answer = type("Answer", (), {"status_code": 503, "headers": {}})
        return answer, {"Error": {"Code": "SlowDown", "Message": "not now"}, "ResponseMetadata": {}}

    def state() -> str:
        there = records.read("build/x", ttl=60)
        assert there is not None
        return there.etag

    with Leases(account, BUCKET, ME, ttl=0.3).hold("build/x", stop=threading.Event(), lost=lost.set):
        s3.meta.events.register("before-call.s3.PutObject", refuse)
        assert refused.wait(300)
        before = state()
        s3.meta.events.unregister("before-call.s3.PutObject", refuse)
        until(lambda: state() != before, "another heartbeat")
    assert not lost.is_set()


def test_hold_when_the_bucket_cannot_be_used(account: Account) -> None:
    """The hint names the key of the environment."""
    with pytest.raises(LackError) as raised, Leases(account, "elsewhere", ME).hold("x", stop=threading.Event()):
        pytest.fail("there is no such bucket")
    assert "'elsewhere'" in raised.value.message
    assert "artifact_bucket" in raised.value.hint


def test_heartbeat_when_nothing_is_held_any_more(account: Account) -> None:
    """One thread beats for all holds, and ends with the last."""
    leases = Leases(account, BUCKET, ME, ttl=0.3)
    with leases.hold("build/x", stop=threading.Event()), leases.hold("build/y", stop=threading.Event()):
        assert beating() == 1
    until(lambda: beating() == 0, "the end of the heartbeat")


def beating() -> int:
    return sum(thread.name == "heartbeat" for thread in threading.enumerate())


def test_leases_when_there_is_no_bucket(account: Account) -> None:
    """Everything may be done, and it is known that it is not exclusive."""
    none, some = leases_of(account, "", ME), leases_of(account, BUCKET, ME)
    assert (none.exclusive, some.exclusive) == (False, True)
    assert isinstance(none, NoLeases)
    with none.hold("x", stop=threading.Event()), none.hold("x", stop=threading.Event()):
        pass


def test_life_when_a_run_is_done(account: Account, records: Records, tmp_path: Path) -> None:
    """A run's own lease is its sign of life, and ends with it; its folder tells the same owner."""
    identity = begin(tmp_path)
    with life_of(account, BUCKET, identity) as leases:
        assert leases.exclusive
        read = records.read(run_key(identity.id), ttl=60)
        assert read is not None
        assert read.owner == identity.owner
    assert list(records.keys()) == []
