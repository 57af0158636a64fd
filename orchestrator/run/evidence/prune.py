"""Which folders of runs may be deleted to make room, and deleting them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.run.evidence.local_runs import local_runs
from orchestrator.run.evidence.run_index import RunResult
from orchestrator.run.leases.lease import TTL, run_key
from orchestrator.run.leases.lease_record import Records
from orchestrator.run.session.identity import runs_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from orchestrator.definition.environment import Environment
    from orchestrator.run.evidence.evidence_store import EvidenceStore
    from orchestrator.run.evidence.run_index import RunIndex

#: How a folder is called while it is deleted: no run has such an id.
_DOOMED = ".pruned"


@dataclass(frozen=True)
class Pruning:
    """What a pruning would do."""

    #: Whose evidence is whole in the bucket.
    safe: tuple[RunIndex, ...]
    #: Whose evidence is nowhere else.
    only_here: tuple[RunIndex, ...]
    #: Old ones that live.
    live: tuple[RunIndex, ...]


def pruning(root: Path, environment: Environment, store: EvidenceStore | None, before: datetime) -> Pruning:
    """What there is to prune among the runs of an environment that began before then. Raises as the bucket does."""
    mine = ("", environment.name)
    old = [one for one in local_runs(root) if one.started < before and one.environment in mine]
    leased = _with_lease(environment, [one.run for one in old if one.result is RunResult.CUT_OFF])
    live = tuple(one for one in old if one.result is RunResult.RUNNING or one.run in leased)
    ended = [one for one in old if one not in live]
    kept = store.indices(one.run for one in ended) if store else {}
    whole = {one.run for one in ended if store and one.run in kept and _is_whole(store, one, kept[one.run])}
    return Pruning(
        safe=tuple(one for one in ended if one.run in whole),
        only_here=tuple(one for one in ended if one.run not in whole),
        live=live,
    )


def _is_whole(store: EvidenceStore, here: RunIndex, kept: RunIndex) -> bool:
    """Whether each file that is here was put into the bucket, and is still there."""
    return {one.path for one in here.files} <= {one.path for one in kept.files} and store.is_whole(kept)


def prune(root: Path, run: RunIndex) -> None:
    """Delete the folder of a run. Stopped anywhere, it leaves a run that is whole or one that is gone.

    Raises OSError.
    """
    folder = runs_folder(root) / run.run
    doomed = folder.with_name(f".{folder.name}{_DOOMED}")
    folder.rename(doomed)
    shutil.rmtree(doomed)


def clear_half_deleted(root: Path) -> None:
    """Delete what an earlier pruning began to delete. Raises OSError."""
    for folder in runs_folder(root).glob(f".*{_DOOMED}"):
        shutil.rmtree(folder)


def _with_lease(environment: Environment, runs: Sequence[str]) -> set[str]:
    """Which of the runs that wrote no summary give a sign of life in the bucket: they may be on another machine."""
    if not (runs and environment.artifact_bucket):
        return set()
    account = environment.account
    records = Records(account.client("s3"), environment.artifact_bucket, account.region)
    found = {run: records.read(run_key(run), ttl=TTL) for run in runs}
    return {run for run, record in found.items() if record is not None and not record.dead}
