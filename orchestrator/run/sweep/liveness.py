"""Whether a run is dead, and what proves it: pure, from the evidence that there is of it.

In this order: its lease; that it had a lease, which is gone; its folder in this workspace; its age. A sign of life
settles it: a run that lives is never dead, however old it is. A run of which nothing is known may live.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from orchestrator.run.leases.owner import Life
from orchestrator.run.session.identity import started_of

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from orchestrator.run.leases.lease_record import Record
    from orchestrator.run.leases.owner import LeaseOwner


class Sign(StrEnum):
    """What one piece of evidence says of a run."""

    LIVES = "lives"
    DEAD = "dead"
    ENDED = "ended"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Trace:
    """One piece of evidence, and the words in which it is told to a person."""

    sign: Sign = Sign.NOTHING
    why: str = ""


@dataclass(frozen=True)
class RunEvidence:
    """What is known of one run besides its age. `leased`: things of the run tell that it had a lease in this bucket."""

    lease: Trace = Trace()
    folder: Trace = Trace()
    leased: bool = False


@dataclass(frozen=True)
class Liveness:
    """What follows for a run."""

    dead: bool
    why: str


def fate_of(run: str, evidence: RunEvidence, now: datetime, older_than: timedelta) -> Liveness:
    """What became of a run."""
    for trace in (evidence.lease, _without_lease(evidence), evidence.folder):
        if trace.sign is Sign.LIVES:
            return Liveness(dead=False, why=trace.why)
        if trace.sign is not Sign.NOTHING:
            return Liveness(dead=True, why=trace.why)
    started = started_of(run)
    if started is None:
        return Liveness(dead=False, why="its id does not tell when it began")
    if now - started > older_than:
        return Liveness(dead=True, why=f"it began more than {spoken(older_than)} ago")
    return Liveness(dead=False, why="it may live elsewhere")


def _without_lease(evidence: RunEvidence) -> Trace:
    if evidence.leased and evidence.lease.sign is Sign.NOTHING:
        return Trace(Sign.ENDED, "it ended: its lease is gone")
    return Trace()


def lease_trace(record: Record | None) -> Trace:
    """What a run's lease says. An owner that runs on this machine lives, also when its heart stood still."""
    if record is None:
        return Trace()
    owner, life = record.owner, record.owner.life if record.owner else Life.UNKNOWN
    if life is Life.RUNS:
        return Trace(Sign.LIVES, f"{_process(owner)} runs")
    if life is Life.GONE:
        return Trace(Sign.DEAD, f"{_process(owner)} is gone")
    if record.stale:
        host = f" from {owner.host}" if owner else ""
        return Trace(Sign.DEAD, f"no sign of life{host} for {record.age} s")
    return Trace(Sign.LIVES, f"it lives on {owner.host}" if owner else "its lease is fresh")


def folder_trace(owner: LeaseOwner | None, *, ended: bool) -> Trace:
    """What the run's folder in this workspace says: who does it, and whether its summary was written."""
    if ended:
        return Trace(Sign.ENDED, "it ended")
    if owner is None or owner.life is Life.UNKNOWN:
        return Trace()
    if owner.life is Life.GONE:
        return Trace(Sign.DEAD, f"{_process(owner)} is gone")
    return Trace(Sign.LIVES, f"{_process(owner)} runs")


def _process(owner: LeaseOwner | None) -> str:
    return f"process {owner.pid} of this machine" if owner else "its process"


def spoken(span: timedelta) -> str:
    """A time span in the largest unit that fits it twice: `90 min`, `24 h`, `7 d`."""
    seconds = int(span.total_seconds())
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
