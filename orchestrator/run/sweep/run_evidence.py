"""What is known of runs: from their leases in the artifact bucket, and from their folders in this workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.run.leases.lease import TTL, Leases, run_key
from orchestrator.run.leases.owner import owner_from
from orchestrator.run.session.identity import OWNER_FILE, SUMMARY_FILE, runs_folder, started_of
from orchestrator.run.sweep.liveness import RunEvidence, Trace, folder_trace, lease_trace
from orchestrator.tags import Tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from orchestrator.run.leases.lease import NoLeases
    from orchestrator.run.leases.lease_record import Record
    from orchestrator.run.sweep.inventory import Resource


def read_leases(leases: Leases | NoLeases) -> dict[str, Record]:
    """Every lease of the bucket, by its key."""
    if not isinstance(leases, Leases):
        return {}
    read = (leases.records.read(key, ttl=TTL) for key in leases.records.keys())  # noqa: SIM118 - not a dict
    return {record.key: record for record in read if record is not None}


def evidence_of(
    seen: Iterable[Resource], records: Mapping[str, Record], root: Path, *, bucket: str
) -> dict[str, RunEvidence]:
    """The evidence of every run that something was seen of, or that has a lease.

    Things must have been looked for before leases were read: then a thing whose run has no lease is not one of a run
    that has begun in between.
    """
    things = tuple(seen)
    with_lease = {key.removeprefix(run_key("")) for key in records if key.startswith(run_key(""))}
    leased = {one.run for one in things if bucket and one.tags.get(Tag.LEASE) == bucket}
    return {
        run: RunEvidence(lease_trace(records.get(run_key(run))), _folder(root, run), leased=run in leased)
        for run in {one.run for one in things if one.run} | with_lease
    }


def _folder(root: Path, run: str) -> Trace:
    """The trace of a run's folder. The id comes from a tag: it must not lead out of the folder of runs."""
    folder = runs_folder(root) / run
    if started_of(run) is None or not folder.is_dir():
        return Trace()
    owner = folder / OWNER_FILE
    return folder_trace(
        owner_from(owner.read_bytes()) if owner.is_file() else None, ended=(folder / SUMMARY_FILE).is_file()
    )
