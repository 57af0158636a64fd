"""What `ami runs` changes when it is asked to: runs put into the bucket, and folders of old runs deleted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.cli.terminal import confirm, say
from orchestrator.errors import Interrupted, StageError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from orchestrator.contract.runs import ChangedRunsJson
    from orchestrator.definition.environment import Environment
    from orchestrator.run.evidence.evidence_store import EvidenceStore
    from orchestrator.run.evidence.run_index import RunIndex

#: Runs of which each is named.
_SHOWN = 20


@dataclass
class RunChanges:
    """What was done to runs, by their ids."""

    dry_run: bool
    uploaded: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    #: Old ones that the bucket has whole, that are nowhere else, and that live.
    in_bucket: list[str] = field(default_factory=list)
    only_here: list[str] = field(default_factory=list)
    live: list[str] = field(default_factory=list)

    def as_json(self) -> ChangedRunsJson:
        """A JSON object with every field."""
        return {
            "schema": "ami/changed-runs/1",
            "dry_run": self.dry_run,
            "uploaded": self.uploaded,
            "deleted": self.deleted,
            "in_bucket": self.in_bucket,
            "only_here": self.only_here,
            "live": self.live,
        }


def upload_runs(root: Path, environment: Environment, changes: RunChanges, *, yes: bool) -> None:
    """Put the runs that ended, and that are only here, into the bucket.

    Raises UsageError without a bucket, and StageError when some stay only here.
    """
    from orchestrator.run.evidence.evidence_store import store_of
    from orchestrator.run.evidence.put import put_evidence
    from orchestrator.run.session.identity import runs_folder

    store = store_of(environment)
    if store is None:
        hint = f'artifact_bucket = "NAME" in {environment.path}'
        raise UsageError(f"the environment '{environment.name}' names no artifact bucket", hint=hint)
    wanted = _not_in(store, root)
    if not wanted:
        say(f"nothing to upload: {store.bucket} has all runs that are here")
        return
    _list(wanted, "is only here", asked=not yes)
    if changes.dry_run:
        say("a dry run: nothing was uploaded")
        return
    confirm(f"Upload {_counted(len(wanted))}?", yes=yes)
    changes.uploaded += [one.run for one in wanted if put_evidence(store, runs_folder(root) / one.run, say)]
    if missing := len(wanted) - len(changes.uploaded):
        raise StageError(
            f"{_counted(missing)} could not be uploaded",
            hint=f"ami runs --upload --env {environment.name} tries it again",
        )
    say(f"uploaded {_counted(len(wanted))}")


def _not_in(store: EvidenceStore, root: Path) -> list[RunIndex]:
    """The runs of the store's environment here that ended and that it does not have."""
    from orchestrator.run.evidence.local_runs import local_runs
    from orchestrator.run.evidence.run_index import RunResult

    mine = ("", store.environment)
    ended = [one for one in local_runs(root) if one.result is not RunResult.RUNNING and one.environment in mine]
    there = store.indices(set(store.runs()) & {one.run for one in ended})
    return [one for one in ended if one.run not in there]


def prune_runs(root: Path, environment: Environment, before: datetime, changes: RunChanges, *, yes: bool) -> None:
    """Delete the folders of runs that began before then and have ended.

    Those that are nowhere else need another yes. Raises AwsError when the bucket does not answer.
    """
    from orchestrator.run.evidence.evidence_store import store_of
    from orchestrator.run.evidence.prune import pruning

    plan = pruning(root, environment, store_of(environment), before)
    for mine, some in ((changes.in_bucket, plan.safe), (changes.only_here, plan.only_here), (changes.live, plan.live)):
        mine += [one.run for one in some]
    for one in plan.live:
        say(f"left alone: {one.run} has not ended")
    _list(plan.safe, "is in the bucket", asked=not yes)
    _list(plan.only_here, "is nowhere else, and would be lost", asked=not yes)
    if plan.only_here and environment.artifact_bucket:
        say("hint: ami runs --upload puts those into the bucket first")
    if not (plan.safe or plan.only_here):
        say(f"nothing to prune: no run here began before {before:%Y-%m-%d %H:%M} UTC and has ended")
    elif changes.dry_run:
        say("a dry run: nothing was deleted")
    else:
        _delete(root, plan.safe, changes, "", yes=yes)
        _delete(root, plan.only_here, changes, " that are nowhere else", yes=yes)
        say(f"deleted {_counted(len(changes.deleted))}, {_size([*plan.safe, *plan.only_here])}")


def _delete(root: Path, runs: Sequence[RunIndex], changes: RunChanges, which: str, *, yes: bool) -> None:
    """Delete the folders of these runs, if a person agrees. Raises Interrupted when not."""
    from orchestrator.run.evidence.prune import clear_half_deleted, prune

    if not runs:
        return
    try:
        confirm(f"Delete {_counted(len(runs))}{which}?", yes=yes, default=False)
    except Interrupted:
        if not changes.deleted:
            raise
        raise Interrupted(f"deleted {_counted(len(changes.deleted))}; {_counted(len(runs))}{which} stay") from None
    clear_half_deleted(root)
    for one in runs:
        prune(root, one)
        changes.deleted.append(one.run)


def _list(runs: Sequence[RunIndex], what: str, *, asked: bool) -> None:
    """The first of these runs, each with what is to be known of it; also with --quiet when a question is `asked`."""
    for one in runs[:_SHOWN]:
        say(f"{one.run} {one.result}, {_size([one])}: {what}", always=asked)
    if (more := len(runs) - _SHOWN) > 0:
        say(f"and {_counted(more)} more; --json lists all", always=asked)


def _counted(number: int) -> str:
    return f"{number} run" if number == 1 else f"{number} runs"


def _size(runs: Sequence[RunIndex]) -> str:
    """The bytes of all files, for a person: `1.2 MB`."""
    size = sum(file.bytes for run in runs for file in run.files)
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{max(size / 1e3, 1):.0f} kB"  # noqa: PLR2004 - where MB read better
