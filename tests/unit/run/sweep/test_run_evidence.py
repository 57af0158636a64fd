"""What is known of a run comes from where it can be known, and from nowhere else."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from orchestrator.aws.resources.key_pair import KIND as KEY_PAIR
from orchestrator.run.leases.lease import run_key
from orchestrator.run.leases.lease_record import Record
from orchestrator.run.leases.owner import this_process
from orchestrator.run.session.identity import begin, started_of
from orchestrator.run.sweep.inventory import Resource
from orchestrator.run.sweep.liveness import Sign
from orchestrator.run.sweep.run_evidence import evidence_of

if TYPE_CHECKING:
    from pathlib import Path

RUN = "20261125T004200Z-0a1b2c"
ME = this_process(RUN)


def thing(run: str = RUN, **tags: str) -> Resource:
    return Resource(KEY_PAIR, "k", "us-east-1", {"ami:run": run, **tags})


def record(key: str) -> Record:
    return Record(key, "e", "t", replace(ME, birth="1"), 0, 60)


@pytest.mark.parametrize(("bucket", "leased"), [("ours", True), ("another", False), ("", False)])
def test_evidence_when_a_thing_tells_of_a_lease(tmp_path: Path, bucket: str, *, leased: bool) -> None:
    """Only the bucket that was asked can tell that a lease in it is gone."""
    assert evidence_of([thing(**{"ami:lease": "ours"})], {}, tmp_path, bucket=bucket)[RUN].leased is leased


def test_evidence_when_a_run_has_a_lease_alone(tmp_path: Path) -> None:
    """It is known also when nothing else of it is left; leases of builds are not runs."""
    records = {key: record(key) for key in (run_key(RUN), "build/web/f00d")}
    found = evidence_of([], records, tmp_path, bucket="ours")
    assert {run: evidence.lease.sign for run, evidence in found.items()} == {RUN: Sign.DEAD}


def test_evidence_when_the_run_is_of_this_workspace(tmp_path: Path) -> None:
    """Its folder tells that its process runs, and then that it ended."""
    run = begin(tmp_path)
    assert evidence_of([thing(run.id)], {}, tmp_path, bucket="")[run.id].folder.sign is Sign.LIVES
    (run.folder / "owner.json").write_text(json.dumps(replace(run.owner, birth="1").as_json()))
    assert evidence_of([thing(run.id)], {}, tmp_path, bucket="")[run.id].folder.sign is Sign.DEAD
    (run.folder / "summary.json").write_text("{}")
    assert evidence_of([thing(run.id)], {}, tmp_path, bucket="")[run.id].folder.sign is Sign.ENDED


@pytest.mark.parametrize("run", ["..", "20261125T004200Z-../elsewhere", "../elsewhere", "", ".", "x\0y"])
def test_evidence_when_a_tag_leads_out_of_the_folder(tmp_path: Path, run: str) -> None:
    """Tags are written by anybody: no path is made of them that leads elsewhere."""
    (tmp_path / ".ami/runs").mkdir(parents=True)
    for folder in (tmp_path / ".ami", tmp_path / ".ami/elsewhere", tmp_path / ".ami/runs"):
        folder.mkdir(exist_ok=True)
        (folder / "summary.json").write_text("{}")
    found = evidence_of([thing(run)], {}, tmp_path, bucket="")
    assert {evidence.folder.sign for evidence in found.values()} <= {Sign.NOTHING}


def test_started_when_the_id_is_a_runs(tmp_path: Path) -> None:
    """What `begin` wrote into the id is read from it."""
    run = begin(tmp_path)
    assert started_of(run.id) == run.started.replace(microsecond=0)
    assert started_of("manual") is None
