"""Only what is kept elsewhere is deleted lightly, and nothing that lives."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orchestrator.run.evidence.evidence_store import store_of
from orchestrator.run.evidence.local_runs import local_runs
from orchestrator.run.evidence.prune import clear_half_deleted, prune, pruning
from orchestrator.run.evidence.put import put_evidence
from orchestrator.run.leases.lease import run_key
from orchestrator.run.leases.lease_record import Records
from orchestrator.run.leases.owner import LeaseOwner
from tests.unit.run.evidence.conftest import BUCKET, LATER, RUN, web

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.definition.environment import Environment
    from orchestrator.run.evidence.prune import Pruning
    from tests.unit.run.evidence.conftest import Runner

NEXT_DAY = datetime(2030, 11, 25, tzinfo=UTC)


def planned(environment: Environment, root: Path) -> Pruning:
    return pruning(root, environment, store_of(environment), NEXT_DAY)


def ids(*groups: tuple[object, ...]) -> list[list[str]]:
    return [[str(getattr(one, "run", "")) for one in group] for group in groups]


def test_pruning_when_some_runs_are_in_the_bucket(environment: Environment, leave: Runner, tmp_path: Path) -> None:
    """Old ones are safe or only here; younger ones and those of another environment stay."""
    put_evidence(store_of(environment), leave(RUN, **web("validated")), print)
    alone = leave("20301123T000000Z-aaaaaa", **web("validated")).name
    leave(LATER, **web("validated"))
    leave("20301122T000000Z-bbbbbb", environment="prod", **web("validated"))
    plan = planned(environment, tmp_path)
    assert ids(plan.safe, plan.only_here, plan.live) == [[RUN], [alone], []]
    prune(tmp_path, plan.safe[0])
    assert [one.run for one in local_runs(tmp_path)] == [LATER, alone, "20301122T000000Z-bbbbbb"]


def test_pruning_when_the_bucket_lacks_something(environment: Environment, leave: Runner, tmp_path: Path) -> None:
    """A file that was added here since, or that is gone there: then the evidence is not whole elsewhere."""
    folder = leave(RUN, **web("validated"))
    put_evidence(store_of(environment), folder, print)
    (folder / "notes.txt").write_text("by hand")
    assert ids(planned(environment, tmp_path).only_here) == [[RUN]]
    (folder / "notes.txt").unlink()
    assert ids(planned(environment, tmp_path).safe) == [[RUN]]
    environment.account.client("s3").delete_object(Bucket=BUCKET, Key=f"runs/{RUN}/web/report.json")
    assert ids(planned(environment, tmp_path).only_here) == [[RUN]]


def test_pruning_when_a_run_lives(environment: Environment, leave: Runner, tmp_path: Path) -> None:
    """Here, or on another machine that gives a sign of life in the bucket."""
    leave(RUN, birth="")
    other = leave("20301123T000000Z-aaaaaa").name
    records = Records(environment.account.client("s3"), BUCKET, "us-east-1")
    records.write(run_key(other), LeaseOwner(other, "elsewhere", "m", 1, "1"), token="t", ttl=60)
    plan = planned(environment, tmp_path)
    assert ids(plan.safe, plan.only_here, plan.live) == [[], [], [RUN, other]]


def test_prune_when_it_was_cut_off(environment: Environment, leave: Runner, tmp_path: Path) -> None:
    """What is half deleted is no run any more, and goes with the next pruning."""
    folder = leave(RUN)
    folder.rename(folder.with_name(f".{RUN}.pruned"))
    assert local_runs(tmp_path) == ()
    clear_half_deleted(tmp_path)
    assert list((tmp_path / ".ami/runs").iterdir()) == []
    assert planned(environment, tmp_path).only_here == ()
