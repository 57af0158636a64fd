"""Commands in jobs of CI services: annotations at lines that are there, files that later steps read."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.cli.ci import spoken
from orchestrator.cli.ci.annotate import annotation_of
from orchestrator.cli.job.report import outputs_of, report_run
from orchestrator.definition.workspace import load
from orchestrator.errors import Problem
from orchestrator.run.outcome import SegmentOutcome, SegmentStatus, Summary
from tests.cli.in_process import typed

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).parents[2]
_ERROR = re.compile(r"^::error (?:file=(?P<file>[^,:]*))?(?:,line=(?P<line>\d+))?::(?P<message>.*)$")

#: What is wrong in a workspace: a file, what is taken out of it, and what stands there then.
MISTAKES = {
    "unknown image": ("packer/images/web.yml", "from: golden", "from: goldne"),
    "unknown key": ("packer/images/web.yml", "layers:", "laiers:"),
    "no YAML": ("packer/images/web.yml", "name: web", "name: [web"),
    "unknown role": ("packer/images/analytics.yml", "roles:", "rolls:"),
    "variables": ("packer/environments/lab.pkrvars.hcl", "us-east-1", "nowhere"),
    "workspace": ("ami.yml", "layers:", "layer:"),
}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The workspace of this repository below the root of a checkout, in a job of GitHub Actions."""
    root = tmp_path / "images"
    for name in ("packer", "playbooks", "roles"):
        shutil.copytree(REPOSITORY / name, root / name)
    shutil.copy(REPOSITORY / "ami.yml", root)
    for name, value in {
        "GITHUB_ACTIONS": "true",
        "GITHUB_WORKSPACE": str(tmp_path),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_RUN_ID": "1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(root)
    yield tmp_path
    spoken.choose("none")


@pytest.mark.parametrize("name", MISTAKES)
def test_annotations_when_something_is_wrong(
    name: str, checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each points to a line that its file has, from the root of the checkout; so do report and summary."""
    file, before, after = MISTAKES[name]
    path = checkout / "images" / file
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after, 1))
    assert typed(monkeypatch, "plan") == 2
    found = [_ERROR.match(line) for line in capsys.readouterr().err.splitlines() if line.startswith("::error")]
    assert found
    for one in found:
        assert one is not None
        assert one["file"], one["message"]
        lines = (checkout / one["file"]).read_text().splitlines()
        assert 0 < int(one["line"] or 1) <= len(lines)
    assert f"images/{file}" in {one["file"] for one in found if one}
    issues = json.loads((checkout / "images/.ami/ci/codequality.json").read_text())
    assert {issue["location"]["path"] for issue in issues} == {one["file"] for one in found if one}
    assert f"`{file}" in (checkout / "summary.md").read_text()


@pytest.mark.parametrize("path", ["elsewhere.yml", "images/packer/images/gone.yml"])
def test_annotation_when_its_file_is_outside_or_missing(
    path: str, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names no file: the service would look for one that is not in the checkout."""
    monkeypatch.setenv("GITHUB_WORKSPACE", str(checkout / "images"))
    (checkout / "elsewhere.yml").touch()
    spoken.choose("github")
    one = annotation_of(Problem(checkout / path, 3, "is wrong"))
    assert (one.file, one.line) == ("", 0)
    assert one.message == f"{checkout / path}:3: is wrong"


def test_job_folder_when_another_job_was_here(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it left is gone; what an earlier command of this job left is there."""
    assert typed(monkeypatch, "plan", "nothing") == 2
    left = checkout / "images/.ami/ci/junit/old.xml"
    left.parent.mkdir()
    left.touch()
    assert typed(monkeypatch, "plan", "nothing") == 2
    assert left.exists()
    monkeypatch.setenv("GITHUB_RUN_ID", "2")
    assert typed(monkeypatch, "plan", "nothing") == 2
    assert not left.exists()


OUTCOMES = (
    SegmentOutcome("golden", SegmentStatus.REUSED, "ami-1", "v1"),
    SegmentOutcome("web", SegmentStatus.VALIDATED, "ami-2", "v2"),
    SegmentOutcome("analytics", SegmentStatus.REJECTED, "ami-3", "v3", reason="1 of 2 tests failed\n  ::error::x"),
)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["web"], {"ami_id": "ami-2", "version": "v2", "changed": "true", "ami_ids": '{"web": "ami-2"}'}),
        (["golden"], {"ami_id": "ami-1", "version": "v1", "changed": "false"}),
        (["analytics"], {"ami_id": "", "version": "", "changed": "false", "ami_ids": "{}"}),
        (["golden", "web"], {"changed": "true", "ami_ids": '{"golden": "ami-1", "web": "ami-2"}'}),
    ],
)
def test_outputs_of_a_run(names: list[str], expected: dict[str, str]) -> None:
    """Of what is not proven there is no id."""
    found = outputs_of(Summary("", "", OUTCOMES), names)
    assert {name: found[name] for name in expected} == expected
    assert ("ami_id" in found) == (len(names) == 1)


def test_report_of_a_run(checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A failed test is annotated at its assertion; JUnit is at the known path; nothing of it is a command."""
    spoken.choose("github")
    run = checkout / "images/.ami/runs/x"
    (run / "analytics").mkdir(parents=True)
    (run / "analytics/junit.xml").write_text("<testsuites/>")
    test: dict[str, Any] = {
        "outcome": "failed",
        "nodeid": "roles/postgresql/tests/test_postgresql.py::test_x",
        "line": 3,
    }
    test |= {"message": "assert 1\n::set-output name=a::b", "file": "roles/postgresql/tests/test_postgresql.py"}
    (run / "analytics/report.json").write_text(json.dumps({"tests": [test]}))
    report_run(load(checkout / "images"), Summary("x", str(run), OUTCOMES, seconds=9), ["web", "analytics"])
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("::error file=images/roles/postgresql/tests/test_postgresql.py,line=3::")
    assert (checkout / "images/.ami/ci/junit/analytics.xml").read_text() == "<testsuites/>"
    summary = (checkout / "summary.md").read_text()
    assert "| `web` | validated | `ami-2` | `v2` |" in summary
    assert "Why analytics is rejected" in summary
    assert (checkout / "output").read_text().startswith("changed<<")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(checkout / "nowhere/summary.md"))
    report_run(load(checkout / "images"), Summary("x", str(run), OUTCOMES), ["web"])
    assert "warning: GitHub Actions gets less of this job" in capsys.readouterr().err


def test_no_credentials_when_a_fork_asks(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is said that forks get none, with 3."""
    sides = {"head": {"repo": {"full_name": "me/fork"}}, "base": {"repo": {"full_name": "org/images"}}}
    (checkout / "event.json").write_text(json.dumps({"pull_request": sides}))
    text = 'region = "us-east-1"\niam_instance_profile = "x"\nssh_interface = "private_ip"\n'
    (checkout / "images/packer/environments/dev.pkrvars.hcl").write_text(text)
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(checkout))
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(checkout / "event.json"))
    assert typed(monkeypatch, "plan", "--env", "dev") == 3
    assert "gives none to this pull request, which comes from me/fork" in capsys.readouterr().err
