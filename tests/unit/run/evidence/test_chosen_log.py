"""Which log a person wants to see first."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from orchestrator.errors import UsageError
from orchestrator.run.evidence.chosen_log import chosen_file, chosen_image
from orchestrator.run.evidence.run_index import KeptFile, RunImage, RunIndex, RunResult

RUN = "20301124T004200Z-0a1b2c"


def run(*paths: str, **images: str) -> RunIndex:
    return RunIndex(
        RUN,
        datetime(2030, 11, 24, tzinfo=UTC),
        RunResult.FAILED,
        images=tuple(RunImage(name, status) for name, status in images.items()),
        files=tuple(KeptFile(path, 1) for path in ("events.jsonl", *paths)),
    )


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (run("web/packer.log", "web/pytest.log", web="rejected"), "web/pytest.log"),
        (run("web/packer.log", web="failed"), "web/packer.log"),
        (run("web/packer.log", "web/pytest.log", web="validated"), "web/packer.log"),
        (run("a/packer.log", "b/packer.log", "c/packer.log", a="validated", b="failed", c="cancelled"), "b/packer.log"),
        (run("a/packer.log", "b/packer.log", a="validated", b="validated"), "b/packer.log"),
        (run("a/packer.log", a="validated", b="reused"), "a/packer.log"),
        (run("a/pytest.log", a="validated"), "a/pytest.log"),
        (run(a="cancelled"), "events.jsonl"),
        (run("a/packer.log", a=""), "a/packer.log"),
    ],
    ids=[
        "rejected",
        "failed",
        "good",
        "first bad one",
        "last good one",
        "with files",
        "tested again",
        "none",
        "killed",
    ],
)
def test_log_when_none_is_named(index: RunIndex, expected: str) -> None:
    assert chosen_file(index, chosen_image(index)) == expected


def test_log_when_image_and_file_are_named() -> None:
    """A file of the image, or one of the run."""
    index = run("web/packer.log", "golden/packer.log", "golden/report.json", web="failed", golden="validated")
    golden = chosen_image(index, "golden")
    assert chosen_file(index, golden) == "golden/packer.log"
    assert chosen_file(index, golden, "report.json") == "golden/report.json"
    assert chosen_file(index, golden, "events.jsonl") == "events.jsonl"
    assert chosen_file(index, golden, "web/packer.log") == "web/packer.log"


def test_log_when_the_name_is_wrong() -> None:
    """The nearest is told, and what there is."""
    index = run("web/packer.log", web="failed")
    with pytest.raises(UsageError, match=f"run {RUN} had no image 'wbe' \\(did you mean 'web'\\?\\)") as raised:
        chosen_image(index, "wbe")
    assert raised.value.hint == "it had: web"
    with pytest.raises(UsageError, match=r"has no file 'packr.log' \(did you mean 'packer.log'\?\)") as raised:
        chosen_file(index, chosen_image(index), "packr.log")
    assert raised.value.hint == f"ami logs {RUN} --list"
