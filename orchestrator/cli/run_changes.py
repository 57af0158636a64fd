"""What `ami runs` changes when it is asked to: runs put into the bucket, and folders of old runs deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.cli.terminal import confirm, print_json, say
from orchestrator.errors import Interrupted, StageError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from orchestrator.definition.environment import Environment
    from orchestrator.run.evidence.run_index import RunIndex

#: Runs of which each is named.
_SHOWN = 20


def upload_runs(root: Path, environment: Environment, *, yes: bool, dry_run: bool) -> None:
    """Put the runs that ended, and that are only here, into the bucket.

    Raises UsageError without a bucket, and StageError when some stay only here.
    """
    from orchestrator.run.evidence.local_runs import local_run
    from orchestrator.run.evidence.put import put_evidence
    from orchestrator.run.evidence.run_history import RunHistory
    from orchestrator.run.evidence.run_index import RunResult
    from orchestrator.run.session.identity import runs_folder

    history = RunHistory(root, environment, say)
    store = history.store
    if store is None:
        hint = f'artifact_bucket = "NAME" in {environment.path}'
        raise UsageError(f"the environment '{environment.name}' names no artifact bucket", hint=hint)
    ended = [one for one in history.here.values() if one.result is not RunResult.RUNNING]
    there = store.indices(set(store.runs()) & {one.run for one in ended})
    folders = {one.run: runs_folder(root) / one.run for one in ended if one.run not in there}
    wanted = [index for folder in folders.values() if (index := local_run(folder)) is not None]
    if not wanted:
        say(f"nothing to upload: {store.bucket} has all runs that are here")
        return
    _list(wanted, "is only here")
    if dry_run:
        say("a dry run: nothing was uploaded")
        return
    confirm(f"Upload {_counted(len(wanted))}?", yes=yes)
    missing = [one for one in wanted if not put_evidence(store, folders[one.run], say)]
    if missing:
        raise StageError(f"{_counted(len(missing))} could not be uploaded", hint="see above; then say it again")
    say(f"uploaded {_counted(len(wanted))}")


def prune_runs(
    root: Path, environment: Environment, before: datetime, *, yes: bool, dry_run: bool, as_json: bool
) -> None:
    """Delete the folders of runs that began before then and have ended.

    Those that are nowhere else need another yes. Raises AwsError when the bucket does not answer.
    """
    from orchestrator.run.evidence.evidence_store import store_of
    from orchestrator.run.evidence.prune import clear_half_deleted, prune, pruning

    plan = pruning(root, environment, store_of(environment), before)
    for one in plan.live:
        say(f"left alone: {one.run} has not ended")
    _list(plan.safe, "is in the bucket")
    _list(plan.only_here, "is nowhere else, and would be lost")
    if plan.only_here and environment.artifact_bucket:
        say("hint: ami runs --upload puts those into the bucket first")
    if not (plan.safe or plan.only_here):
        say(f"nothing to prune: no run here began before {before:%Y-%m-%d %H:%M} UTC and has ended")
        return
    deleted: list[RunIndex] = []
    try:
        for some, losing in ((plan.safe, ""), (plan.only_here, " that are nowhere else")):
            if some and not dry_run:
                confirm(f"Delete {_counted(len(some))}{losing}?", yes=yes, default=False)
                clear_half_deleted(root)
                for one in some:
                    prune(root, one)
                    deleted.append(one)
    except Interrupted:
        if not deleted:
            raise
        stay = _counted(len(plan.only_here))
        raise Interrupted(f"{stay} that are nowhere else stay; {_counted(len(deleted))} deleted") from None
    say("a dry run: nothing was deleted" if dry_run else f"deleted {_counted(len(deleted))}, {_size(deleted)}")
    if as_json:
        print_json(
            {
                "schema": "ami/pruned-runs/1",
                "dry_run": dry_run,
                "deleted": [one.run for one in deleted],
                "in_bucket": [one.run for one in plan.safe],
                "only_here": [one.run for one in plan.only_here],
                "live": [one.run for one in plan.live],
            }
        )


def _list(runs: Sequence[RunIndex], what: str) -> None:
    """The first of these runs, each with what is to be known of it."""
    for one in runs[:_SHOWN]:
        say(f"{one.run} {one.result}, {_size([one])}: {what}")
    if (more := len(runs) - _SHOWN) > 0:
        say(f"and {_counted(more)} more; --json lists all")


def _counted(number: int) -> str:
    return f"{number} run" if number == 1 else f"{number} runs"


def _size(runs: Sequence[RunIndex]) -> str:
    """The bytes of all files, for a person: `1.2 MB`."""
    size = sum(file.bytes for run in runs for file in run.files)
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{max(size / 1e3, 1):.0f} kB"  # noqa: PLR2004 - where MB read better
