"""Runs of this disk and of the bucket as one history, and the run that a name stands for."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.errors import UsageError
from orchestrator.run.evidence.evidence_store import store_of
from orchestrator.run.evidence.find_run import meant, report_of
from orchestrator.run.evidence.put import put_evidence
from orchestrator.run.evidence.run_history import RunHistory
from tests.unit.run.evidence.conftest import BUCKET, LATER, RUN, web

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.definition.environment import Environment
    from tests.unit.run.evidence.conftest import Runner


@pytest.fixture
def two(environment: Environment, leave: Runner, tmp_path: Path) -> RunHistory:
    """RUN is in the bucket alone, LATER here alone."""
    folder = leave(RUN, **web("rejected", "ami-1"))
    assert put_evidence(store_of(environment), folder, print)
    shutil.rmtree(folder)
    leave(LATER, **web("validated", "ami-2"))
    leave("20301126T004200Z-eeeeee", environment="prod", **web("validated", "ami-3"))
    return RunHistory(tmp_path, environment, pytest.fail)


def test_history_when_runs_are_in_both_places(two: RunHistory, environment: Environment, leave: Runner) -> None:
    """The newest are first, each with where it is; runs here of other environments are only counted."""
    assert [(one.index.run, one.places) for one in two.newest()] == [(LATER, ("here",)), (RUN, ("bucket",))]
    assert [one.index.run for one in two.newest(1)] == [LATER]
    assert two.elsewhere == 1
    put_evidence(store_of(environment), leave(LATER, **web("validated", "ami-2")), print)
    assert two.newest(1)[0].places == ("here", "bucket")


@pytest.mark.parametrize("name", [RUN, "0a1b2c", "ami-1"])
def test_name_when_the_run_is_in_the_bucket_alone(name: str, two: RunHistory, environment: Environment) -> None:
    """By its id, by the end of it, and by the AMI; what it left is read from there."""
    if name == "ami-1":
        record = b'{"history": [{"run": "%s"}]}' % RUN.encode()
        environment.account.client("s3").put_object(Bucket=BUCKET, Key="versions/ami-1.json", Body=record)
    found = meant(two, environment, name, ())
    assert found.run.index.run == RUN
    assert found.run.read("web/packer.log").decode() == f"{RUN} packer.log\n"
    assert found.run.place("web/packer.log") == f"s3://{BUCKET}/runs/{RUN}/web/packer.log.gz"


def test_name_when_it_is_of_an_image(two: RunHistory, environment: Environment, leave: Runner) -> None:
    """The newest run that had it, wherever that is; no name is the newest run."""
    assert meant(two, environment, "web", ()).run.index.run == LATER
    assert meant(two, environment, "", ()).run.index.run == LATER
    newest = leave("20301127T004200Z-dddddd", **web("failed"))
    put_evidence(store_of(environment), newest, print)
    shutil.rmtree(newest)
    assert meant(two, environment, "web", ()).run.index.run == newest.name


def test_name_when_it_is_of_an_image_with_variants(environment: Environment, leave: Runner, tmp_path: Path) -> None:
    """The family stands for the variant that a run had last."""
    for run, image in ((RUN, "web@debian-12"), (LATER, "web@debian-13")):
        leave(run, images=[{"image": image, "status": "validated"}])
    found = meant(RunHistory(tmp_path, environment, pytest.fail), environment, "web", ())
    assert (found.run.index.run, found.image) == (LATER, "web@debian-13")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (LATER[:-1] + "e", f"there is no run, image or AMI '{LATER[:-1]}e' (did you mean '{LATER}'?)"),
        ("golen", "there is no run, image or AMI 'golen' (did you mean 'golden'?)"),
        ("golden", "no run of 'golden' is known"),
        ("ami-9", "no run of ami-9 is known: neither here nor in the bucket"),
        ("abcdef", "there is no run, image or AMI 'abcdef'"),
    ],
)
def test_name_when_there_is_no_such_run(name: str, said: str, two: RunHistory, environment: Environment) -> None:
    """The nearest name is told, and it is a mistake of who typed it."""
    with pytest.raises(UsageError) as raised:
        meant(two, environment, name, ("golden",))
    assert (raised.value.message, raised.value.exit_code) == (said, 2)
    assert raised.value.hint


def test_report_when_a_later_run_only_reused_the_ami(
    two: RunHistory, environment: Environment, leave: Runner, tmp_path: Path
) -> None:
    """It is that of the run which gave the verdict."""
    leave("20301127T004200Z-dddddd", **web("reused", "ami-2"))
    found = report_of(RunHistory(tmp_path, environment, print), environment, "ami-2")
    assert found is not None
    assert (found[0].index.run, found[1]) == (LATER, "web/report.json")
    assert report_of(two, environment, "ami-9") is None


def test_history_when_the_bucket_does_not_answer(environment: Environment, leave: Runner, tmp_path: Path) -> None:
    """What is here is known; it is noted once."""
    leave(**web("validated"))
    told: list[str] = []
    broken: Any = environment.model_copy(update={"artifact_bucket": "is-not-there"})
    history = RunHistory(tmp_path, broken, told.append)
    assert [one.places for one in history.newest()] == [("here",)]
    assert meant(history, broken, "web", ()).run.index.run == RUN
    assert len(told) == 1
    assert told[0].startswith("note: only runs of this workspace are known: AWS refused ListObjectsV2")
