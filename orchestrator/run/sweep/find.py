"""The sweep's finding: what dead runs left in every region of an environment, and what is left alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.aws.resources.lease import KIND as LEASE
from orchestrator.run.leases.lease import leases_of, run_key
from orchestrator.run.leases.owner import this_process
from orchestrator.run.sweep.inventory import look
from orchestrator.run.sweep.left_alone import LeftAlone, left_alone
from orchestrator.run.sweep.orphans import Orphan, fates_of, in_order, left_by
from orchestrator.run.sweep.run_evidence import evidence_of, read_leases

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta
    from pathlib import Path

    from orchestrator.aws.account import Account
    from orchestrator.definition.environment import Environment
    from orchestrator.run.leases.lease import Leases, NoLeases
    from orchestrator.run.leases.lease_record import Record
    from orchestrator.run.sweep.liveness import Liveness


@dataclass(frozen=True)
class SweepScope:
    """Where is swept: an account in each region by its name, the bucket with its leases, and the workspace's folder."""

    accounts: Mapping[str, Account]
    leases: Leases | NoLeases
    bucket: str
    root: Path


@dataclass(frozen=True)
class SweepFinding:
    """What dead runs left, and what is left alone. `records` are the leases as they were read."""

    remnants: tuple[Orphan, ...]
    left_alone: tuple[LeftAlone, ...]
    fates: Mapping[str, Liveness]
    records: Mapping[str, Record]


def place_of(environment: Environment, root: Path) -> SweepScope:
    """Where an environment's runs may have left something."""
    account, bucket = environment.account, environment.artifact_bucket
    accounts = {region: account.in_region(region) for region in regions_of(environment)}
    return SweepScope(accounts, leases_of(account, bucket, this_process("sweep")), bucket, root)


def regions_of(environment: Environment) -> tuple[str, ...]:
    """The regions in which things of an environment's runs may be: that of its builds first, each once."""
    return tuple(dict.fromkeys((environment.region, *environment.regions)))


def find(place: SweepScope, now: datetime, older_than: timedelta) -> SweepFinding:
    """What dead runs left. Raises LackError when the bucket cannot be used."""
    # Things before leases: a run that begins in between has its lease before it has anything else.
    seen = tuple(one for account in place.accounts.values() for one in look(account))
    records = read_leases(place.leases)
    evidence = evidence_of(seen, records, place.root, bucket=place.bucket)
    fates = fates_of(seen, evidence, now, older_than)
    leases = [one for record in records.values() if (one := _lease(place, record, fates))]
    return SweepFinding(in_order([*left_by(fates, seen), *leases]), left_alone(seen, fates), fates, records)


def _lease(place: SweepScope, record: Record, fates: Mapping[str, Liveness]) -> Orphan | None:
    """A lease as a remnant; None when it is a living run's, another region's, or not the factory's at all.

    A dead run's lease proves its death, so that it stays until the region of the run is swept.
    """
    if record.owner is None or record.region not in place.accounts:
        return None
    own = record.key.startswith(run_key(""))
    run = record.key.removeprefix(run_key("")) if own else record.owner.run
    fate = fates.get(run)
    if fate is not None and not fate.dead:
        return None
    if fate is None and not record.dead:
        return None
    why = fate.why if fate else "its owner is dead"
    return Orphan(LEASE, record.key, record.region, run, why)
