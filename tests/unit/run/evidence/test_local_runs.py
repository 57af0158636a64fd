"""What the folder of a run tells, also of one that was killed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.errors import LackError
from orchestrator.run.evidence.local_runs import local_run, local_runs, write_error
from orchestrator.run.evidence.run_index import RunImage, RunResult
from tests.unit.run.evidence.conftest import GONE, LATER, RUN, web

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.run.evidence.conftest import Runner


@pytest.mark.parametrize(
    ("birth", "summary", "result"),
    [
        (GONE, web("validated"), RunResult.DONE),
        (GONE, web("reused"), RunResult.DONE),
        (GONE, web("rejected"), RunResult.FAILED),
        (GONE, web("built"), RunResult.FAILED),
        (GONE, {**web("cancelled"), "interrupted": True}, RunResult.INTERRUPTED),
        (GONE, {}, RunResult.CUT_OFF),
        ("", {}, RunResult.RUNNING),
    ],
    ids=["validated", "reused", "rejected", "built", "interrupted", "killed", "runs"],
)
def test_result_of_a_run(birth: str, summary: dict[str, Any], result: RunResult, leave: Runner) -> None:
    """It follows from the summary; without one a run lives as long as its process."""
    index = local_run(leave(birth=birth, **summary))
    assert index is not None
    assert index.result == result


def test_run_when_it_ended(leave: Runner) -> None:
    """Command, environment, commit, images and files are known."""
    index = local_run(leave(**web("validated")))
    assert index is not None
    assert (index.run, index.command, index.environment, index.commit) == (RUN, "ami build web", "dev", "c0ffee")
    assert (index.started, index.seconds) == (datetime(2030, 11, 24, 0, 42, tzinfo=UTC), 61.5)
    assert index.images == (RunImage("web", "validated", "ami-1", "v1"),)
    assert "web/packer.log" in {one.path for one in index.files}


def test_run_when_it_raised(leave: Runner) -> None:
    """It failed, and says why."""
    folder = leave(birth="")
    write_error(folder, LackError("no capacity"))
    index = local_run(folder)
    assert index is not None
    assert (index.result, index.error) == (RunResult.FAILED, "no capacity")
    assert index.images == (RunImage("web"),)


def test_runs_when_other_things_are_there(leave: Runner, tmp_path: Path) -> None:
    """The newest is first; what is no run's folder is none, and a link leads nowhere."""
    leave(RUN)
    leave(LATER)
    (tmp_path / ".ami/runs/notes").mkdir()
    (tmp_path / ".ami/runs/20301126T004200Z-000000").symlink_to(tmp_path)
    assert [one.run for one in local_runs(tmp_path)] == [LATER, RUN]


@pytest.mark.parametrize("content", ["", "[]", "{", '{"images": [1, {}], "seconds": null}', '{"pid": "x"}'])
def test_run_when_its_files_are_broken(content: str, leave: Runner) -> None:
    """It is listed all the same."""
    folder = leave()
    for name in ("summary.json", "owner.json"):
        (folder / name).write_text(content)
    index = local_run(folder)
    assert index is not None
    assert index.run == RUN
