"""`ami runs --upload` and `--prune` with a bucket: what is told, and what then is where."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from orchestrator.aws.account import AwsError
from orchestrator.cli.evidence.run_changes import RunChanges, prune_runs, upload_runs
from orchestrator.cli.evidence.run_json import run_json
from orchestrator.errors import UsageError
from orchestrator.run.evidence.evidence_store import store_of
from orchestrator.run.evidence.local_runs import local_runs
from orchestrator.run.evidence.run_history import RunHistory
from tests.unit.run.evidence.conftest import LATER, RUN, environment, leave, web

__all__ = ["environment", "leave"]

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.definition.environment import Environment
    from tests.unit.run.evidence.conftest import Runner

Told = pytest.CaptureFixture[str]
LATE = datetime(2031, 1, 1, tzinfo=UTC)


def test_upload_when_runs_are_only_here(environment: Environment, leave: Runner, tmp_path: Path, capsys: Told) -> None:
    """What ended is put, a killed run included, and one that lives is not; then there is nothing to upload."""
    leave(RUN, **web("validated"))
    leave("20301123T000000Z-aaaaaa")
    leave(LATER, birth="")
    store = store_of(environment)
    assert store is not None
    upload_runs(tmp_path, environment, RunChanges(dry_run=True), yes=True)
    assert store.runs() == ()
    upload_runs(tmp_path, environment, RunChanges(dry_run=False), yes=True)
    assert store.runs() == (RUN, "20301123T000000Z-aaaaaa")
    said = capsys.readouterr().err
    assert f"{RUN} done" in said
    assert "20301123T000000Z-aaaaaa cut off" in said
    assert said.endswith("uploaded 2 runs\n")
    upload_runs(tmp_path, environment, RunChanges(dry_run=False), yes=True)
    assert capsys.readouterr().err == "nothing to upload: artifacts has all runs that are here\n"


def test_upload_when_it_cannot_be(environment: Environment, leave: Runner, tmp_path: Path) -> None:
    """Without a bucket, and where nobody can be asked."""
    leave(RUN, **web("validated"))
    without = environment.model_copy(update={"artifact_bucket": ""})
    with pytest.raises(UsageError, match="names no artifact bucket"):
        upload_runs(tmp_path, without, RunChanges(dry_run=False), yes=True)
    with pytest.raises(UsageError, match="nobody can be asked"):
        upload_runs(tmp_path, environment, RunChanges(dry_run=False), yes=False)


def test_prune_when_some_would_be_lost(environment: Environment, leave: Runner, tmp_path: Path, capsys: Told) -> None:
    """It says which are where; --yes deletes both kinds, a dry run none."""
    leave(RUN, **web("validated"))
    upload_runs(tmp_path, environment, RunChanges(dry_run=False), yes=True)
    leave(LATER, **web("validated"))
    for dry_run, deleted in ((True, []), (False, [RUN, LATER])):
        capsys.readouterr()
        changes = RunChanges(dry_run)
        prune_runs(tmp_path, environment, LATE, changes, yes=True)
        assert (changes.deleted, changes.in_bucket, changes.only_here) == (deleted, [RUN], [LATER])
        assert "hint: ami runs --upload puts those into the bucket first" in capsys.readouterr().err
    assert local_runs(tmp_path) == ()


def test_prune_when_the_bucket_is_not_there(environment: Environment, leave: Runner, tmp_path: Path) -> None:
    """Nobody knows what would be lost: nothing is deleted, also with --yes."""
    leave(RUN, **web("validated"))
    broken = environment.model_copy(update={"artifact_bucket": "is-not-there"})
    with pytest.raises(AwsError, match="NoSuchBucket"):
        prune_runs(tmp_path, broken, LATE, RunChanges(dry_run=False), yes=True)
    assert len(local_runs(tmp_path)) == 1


def test_run_as_json_when_little_is_known(environment: Environment, leave: Runner, tmp_path: Path) -> None:
    """Every field is there: null for what is not known, and times end in Z."""
    leave(RUN)
    (found,) = RunHistory(tmp_path, environment, pytest.fail).newest()
    told = run_json(found)
    assert (told["run"], told["started"], told["status"]) == (RUN, "2030-11-24T00:42:00Z", "cut off")
    assert (told["kept_in"], told["bucket_folder"], told["reason"]) == (["here"], None, None)
    assert told["images"] == [{"image": "web", "status": None, "shared": False, "ami_id": None, "version": None}]
