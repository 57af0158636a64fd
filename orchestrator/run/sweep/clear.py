"""The sweep's removal: ordered so that stopping anywhere loses no proof of whose things are.

Before anything of a run is removed, the run's own lease is taken: one that lives after all keeps it and is spared, and
one that wakes up later finds that it lost it. AMIs and snapshots go before the key pair and the security group that
tell whose they are; the lease goes last, and only when nothing else is left.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from orchestrator.aws.resources.image import KIND as IMAGE
from orchestrator.aws.resources.instance import KIND as INSTANCE
from orchestrator.aws.resources.lease import KIND as LEASE
from orchestrator.build.cleanup.leftovers import Leftover
from orchestrator.build.cleanup.made_of import BUILD, PURPOSE
from orchestrator.build.cleanup.remove import remove, to_try, waits_for_ami
from orchestrator.errors import Interrupted
from orchestrator.polling import attempts, poll
from orchestrator.run.leases.lease import TTL, Leases, run_key
from orchestrator.run.session.identity import started_of
from orchestrator.run.sweep.inventory import look
from orchestrator.run.sweep.orphans import in_order, left_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from orchestrator.aws.account import Account
    from orchestrator.contract.sweep import RemnantJson
    from orchestrator.run.sweep.find import SweepFinding, SweepScope
    from orchestrator.run.sweep.inventory import Resource
    from orchestrator.run.sweep.liveness import Liveness
    from orchestrator.run.sweep.orphans import Orphan

#: Looks at a region before its proofs are removed: what was removed may be listed for a while, and things may be new.
_LOOKS = 4
#: Seconds between further looks for an AMI that was just begun: it shows itself late.
_LATE = (1.0, 2.0, 4.0, 8.0)
#: Packer stops a machine before it makes an AMI of it.
_STOPPED = frozenset({"stopping", "stopped"})
#: Seconds between looks when the account is read back: what was removed may be listed for a while.
_READ_BACK = (2.0, 4.0, 8.0)
#: Why a proof stays.
_PROOF = "it tells whose the others are"


class Became(StrEnum):
    """What became of a remnant."""

    REMOVED = "removed"
    STAYED = "stayed"
    KEPT = "kept"
    SPARED = "spared"
    """Its run gave a sign of life after all."""
    FOUND = "found"
    """Nobody tried to remove it: a dry run."""


@dataclass(frozen=True)
class Swept:
    """What became of one remnant. `trouble` says why it stayed."""

    remnant: Orphan
    became: Became
    trouble: str = ""

    def as_json(self, now: datetime) -> RemnantJson:
        """A JSON object with every field, and the age of the run in seconds (null when its id does not tell)."""
        one, started = self.remnant, started_of(self.remnant.run)
        return {
            "kind": str(one.kind),
            "id": one.id,
            "region": one.region,
            "run": one.run,
            "reason": one.why,
            "proof": one.proof or None,
            "kept": one.kept,
            "age_seconds": int((now - started).total_seconds()) if started else None,
            "status": self.became.value,
            "trouble": self.trouble or None,
        }


def clear(
    place: SweepScope, finding: SweepFinding, tell: Callable[[str], None], *, kept: bool = False, patience: float = 300
) -> tuple[Swept, ...]:
    """Remove what was found, telling of each thing that is gone; what was kept on purpose only when `kept`.

    Things of the same runs that show themselves meanwhile are removed as well. What depends on something that is just
    going away is tried for `patience` seconds. Returns what became of everything.
    """
    wanted = [one for one in finding.remnants if kept or not one.kept]
    with ExitStack() as stack:
        taken = {run: fate for run, fate in _dead(wanted, finding).items() if _taken(place, stack, run)}
        clearing = _Clearing(taken, tell, kept=kept, patience=patience)
        for region, account in place.accounts.items():
            clearing.region(account, tuple(one for one in wanted if one.region == region and one.run in taken))
        unclean = {one.run for one in clearing.stayed}
        for run in taken.keys() - unclean:
            place.leases.do_not_leave(run_key(run))
    results = {one: Swept(one, Became.KEPT) for one in finding.remnants if one.kept and not kept}
    results |= {one: Swept(one, Became.SPARED) for one in wanted if one.run not in taken and one.run in finding.fates}
    results |= {one: Swept(one, Became.REMOVED) for one in clearing.removed}
    results |= {one: Swept(one, Became.STAYED, trouble) for one, trouble in clearing.stayed.items()}
    leases = [one for one in wanted if one.kind is LEASE and one not in results]
    results |= {one: Swept(one, Became.STAYED, _PROOF) for one in leases if one.id in map(run_key, unclean)}
    leases = [one for one in leases if one not in results]
    results |= {one: _lease_removed(place, one, finding, tell) for one in leases}
    return tuple(results[one] for one in in_order(results))


def _dead(wanted: Iterable[Orphan], finding: SweepFinding) -> dict[str, Liveness]:
    """The runs of what is to be removed; a lease that is left alone in the bucket may have none."""
    return {one.run: finding.fates[one.run] for one in wanted if one.run in finding.fates}


def _taken(place: SweepScope, stack: ExitStack, run: str) -> bool:
    """Take the run's own lease for as long as `stack` lasts, and leave it there when this is cut off."""
    at_once = threading.Event()
    at_once.set()
    try:
        stack.enter_context(place.leases.hold(run_key(run), stop=at_once))
    except Interrupted:
        return False
    place.leases.leave(run_key(run))
    return True


def _lease_removed(place: SweepScope, one: Orphan, finding: SweepFinding, tell: Callable[[str], None]) -> Swept:
    """Remove a lease in the state in which it was found; a run's own was removed when its hold ended."""
    if not isinstance(place.leases, Leases):
        raise TypeError("leases were found without a bucket")
    records = place.leases.records
    records.delete(one.id, finding.records[one.id].etag)
    there = records.read(one.id, ttl=TTL)
    if there is not None:
        return Swept(one, Became.STAYED, f"it is held by {there.owner}" if there.owner else "it is somebody else's")
    tell(f"removed {one.leftover}")
    return Swept(one, Became.REMOVED)


@dataclass
class _Clearing:
    """Removes what these dead runs left, region by region, and remembers what became of it."""

    dead: Mapping[str, Liveness]
    tell: Callable[[str], None]
    kept: bool
    patience: float
    removed: list[Orphan] = field(default_factory=list)
    stayed: dict[Orphan, str] = field(default_factory=dict)

    def region(self, account: Account, found: tuple[Orphan, ...]) -> None:
        """Remove a region's things, their proofs last, and read back."""
        if not found:
            return
        seen = look(account)
        left = self._left(seen)
        self.removed += [one for one in found if one.kind is not LEASE and one not in left]
        left = self._remove_passing(account, left)
        if self._may_make_an_ami(seen) or any(waits_for_ami(one) for one in self._stayed().values()):
            left = self._await_an_ami(account, left)
        blocked = {one.run for one in left if not one.kind.proof}
        proofs = [one for one in left if one.kind.proof]
        self.stayed |= {one: _PROOF for one in proofs if one.run in blocked}
        self._remove(account, [one for one in proofs if one.run not in blocked])
        self._read_back(account)

    def _remove_passing(self, account: Account, left: tuple[Orphan, ...]) -> tuple[Orphan, ...]:
        """Remove everything but proofs. Returns what is left."""
        for _ in range(_LOOKS):
            passing = self._to_try([one for one in left if not one.kind.proof])
            if not passing:
                break
            self._remove(account, passing)
            left = self._look(account)
        return left

    def _to_try(self, passing: list[Orphan]) -> list[Orphan]:
        wanted = set(to_try([one.leftover for one in passing], self._stayed()))
        return [one for one in passing if one.leftover in wanted]

    def _stayed(self) -> dict[Leftover, Leftover]:
        """What could not be removed, as the removal tells it."""
        return {one.leftover: replace(one.leftover, trouble=trouble) for one, trouble in self.stayed.items()}

    def _may_make_an_ami(self, seen: Iterable[Resource]) -> bool:
        """Whether a dead run left its machine in the moment in which an AMI is made of it."""
        machines = (one for one in seen if one.kind is INSTANCE and one.run in self.dead)
        return any(one.state in _STOPPED and one.tags.get(PURPOSE) == BUILD for one in machines)

    def _await_an_ami(self, account: Account, left: tuple[Orphan, ...]) -> tuple[Orphan, ...]:
        """Look again until an AMI has shown itself, while there is still what proves whose it is."""
        for attempt in attempts(_LATE):
            if attempt.number > 1:
                left = self._remove_passing(account, self._look(account))
            if any(one.kind is IMAGE for one in (*self.removed, *self.stayed)):
                break
        return left

    def _look(self, account: Account) -> tuple[Orphan, ...]:
        return self._left(look(account))

    def _left(self, seen: Iterable[Resource]) -> tuple[Orphan, ...]:
        return tuple(one for one in left_by(self.dead, seen) if self.kept or not one.kept)

    def _remove(self, account: Account, wanted: Iterable[Orphan]) -> None:
        by_leftover = {one.leftover: one for one in wanted}

        def gone(leftover: Leftover) -> None:
            one = by_leftover[Leftover(leftover.kind, leftover.id)]
            self.stayed.pop(one, None)
            self.removed.append(one)
            self.tell(f"removed {one.leftover}")

        for still in remove(account, by_leftover, patience=self.patience, removed=gone):
            self.stayed[by_leftover[Leftover(still.kind, still.id)]] = still.trouble
            self.tell(f"{still}")

    def _read_back(self, account: Account) -> None:
        """What is there all the same has stayed, whatever the answers to its removal were."""
        left = poll(lambda: self._look(account), until=lambda seen: set(seen) <= set(self.stayed), pauses=_READ_BACK)
        for one in left:
            self.stayed.setdefault(one, "it is still there")
