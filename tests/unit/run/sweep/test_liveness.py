"""A run is dead by proof alone, and a sign of life outweighs its age."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.run.leases.lease_record import Record
from orchestrator.run.leases.owner import this_process
from orchestrator.run.sweep.liveness import RunEvidence, Sign, Trace, fate_of, folder_trace, lease_trace, spoken

RUN = "20261125T004200Z-0a1b2c"
NOW = datetime(2026, 11, 25, 6, 42, tzinfo=UTC)
DAY = timedelta(hours=24)
ME = this_process(RUN)
GONE = replace(ME, birth="1")
ELSEWHERE = replace(ME, machine="elsewhere", host="ci-7")
LIVES, DEAD, ENDED = Trace(Sign.LIVES, "lives"), Trace(Sign.DEAD, "died"), Trace(Sign.ENDED, "ended")


@pytest.mark.parametrize(
    ("evidence", "dead", "why"),
    [
        (RunEvidence(lease=DEAD, folder=LIVES), True, "died"),
        (RunEvidence(lease=LIVES, folder=DEAD, leased=True), False, "lives"),
        (RunEvidence(leased=True, folder=LIVES), True, "it ended: its lease is gone"),
        (RunEvidence(folder=ENDED), True, "ended"),
        (RunEvidence(folder=LIVES), False, "lives"),
        (RunEvidence(), False, "it may live elsewhere"),
    ],
)
def test_fate_when_evidence_is_weighed(evidence: RunEvidence, why: str, *, dead: bool) -> None:
    """The lease comes before the folder, and either before the age."""
    fate = fate_of(RUN, evidence, NOW, DAY)
    assert (fate.dead, fate.why) == (dead, why)


@pytest.mark.parametrize(("hours", "dead"), [(5, True), (6, False), (7, False)])
def test_fate_when_only_the_age_is_known(hours: int, *, dead: bool) -> None:
    """Older than the limit, not as old as it."""
    assert fate_of(RUN, RunEvidence(), NOW, timedelta(hours=hours)).dead is dead


@given(st.text(max_size=30))
def test_fate_when_the_id_is_none(run: str) -> None:
    """What the factory did not name has no age, and is never dead by it."""
    assert fate_of(f"x{run}", RunEvidence(), NOW, timedelta(0)).dead is False


@given(st.timedeltas(min_value=timedelta(0)))
def test_fate_when_it_lives(older_than: timedelta) -> None:
    """No age makes a living run dead."""
    assert fate_of("20010101T000000Z-0a1b2c", RunEvidence(lease=LIVES), NOW, older_than).dead is False


@pytest.mark.parametrize(
    ("owner", "age", "sign"),
    [
        (ME, 0, Sign.LIVES),
        (ME, 9999, Sign.LIVES),
        (GONE, 0, Sign.DEAD),
        (ELSEWHERE, 60, Sign.LIVES),
        (ELSEWHERE, 61, Sign.DEAD),
        (None, 60, Sign.LIVES),
        (None, 61, Sign.DEAD),
    ],
)
def test_lease_trace_when_its_owner_is(owner: object, age: int, sign: Sign) -> None:
    """A process that runs here lives, though its heart stood still; one elsewhere is judged by the bucket's clock."""
    record = Record(f"run/{RUN}", "e", "t", owner, age, 60)  # type: ignore[arg-type]
    assert lease_trace(record).sign is sign


@pytest.mark.parametrize(
    ("owner", "ended", "sign"),
    [
        (ME, False, Sign.LIVES),
        (GONE, False, Sign.DEAD),
        (ELSEWHERE, False, Sign.NOTHING),
        (None, False, Sign.NOTHING),
        (ME, True, Sign.ENDED),
        (ELSEWHERE, True, Sign.ENDED),
    ],
)
def test_folder_trace_when_its_owner_is(owner: object, sign: Sign, *, ended: bool) -> None:
    """A summary ends a run; an owner elsewhere (a shared folder) proves nothing."""
    assert folder_trace(owner, ended=ended).sign is sign  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seconds", "text"), [(45, "45 s"), (119, "119 s"), (5400, "90 min"), (86400, "24 h"), (7 * 86400, "7 d")]
)
def test_spoken_when_it_is(seconds: int, text: str) -> None:
    """In the largest unit that fits twice."""
    assert spoken(timedelta(seconds=seconds)) == text
