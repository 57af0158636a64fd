"""`ami ci` as a person uses it: what it writes, keeps and refuses."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.cli.contract import error_of, printed
from tests.cli.in_process import typed
from tests.unit.cli.pipeline_workspace import LAB, PROD, made

if TYPE_CHECKING:
    from pathlib import Path

SWEEP = ".github/workflows/ami-sweep.yml"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = made(tmp_path, lab=LAB, prod=PROD)
    monkeypatch.chdir(root)
    return root


def changes(text: str) -> dict[str, tuple[str, bool]]:
    return {one["file"]: (one["change"], one["written"]) for one in printed(text)["files"]}


def test_pipeline_when_it_is_written_again(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first time it is new, the second time the same. Another main branch is a difference, which is written."""
    assert typed(monkeypatch, "ci", "github", "--check") == 3
    assert not (workspace / ".github").exists()
    assert typed(monkeypatch, "ci", "github") == 0
    assert typed(monkeypatch, "ci", "github", "--check") == 0
    assert "next: commit these files, and set the variables AMI_READER_ROLE" in capsys.readouterr().err
    assert typed(monkeypatch, "ci", "github", "--check", "--branch", "trunk") == 3
    said = capsys.readouterr()
    assert '+    branches: ["trunk"]' in said.out
    assert said.err.endswith("hint: ami ci github\n")
    assert typed(monkeypatch, "ci", "github", "--branch", "trunk") == 0
    assert (
        'ami ci github --check --branch "trunk"' in (workspace / ".github/workflows/ami-pull-request.yml").read_text()
    )


def test_file_when_it_was_changed_by_hand(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is kept and the difference is shown; the others are written. `--force` writes over it."""
    assert typed(monkeypatch, "ci", "github", "--branch", "trunk") == 0
    mine = (workspace / SWEEP).read_text().replace("29 5", "0 6")
    (workspace / SWEEP).write_text(mine)
    capsys.readouterr()
    assert typed(monkeypatch, "ci", "github", "--json") == 2
    said = capsys.readouterr()
    found = changes(said.out)
    assert found[SWEEP] == ("by-hand", False)
    assert found[".github/workflows/ami-build.yml"] == ("old", True)
    assert error_of(said.err)["message"] == f"kept as it is: {SWEEP}"
    assert (workspace / SWEEP).read_text() == mine
    assert typed(monkeypatch, "ci", "github") == 2
    said = capsys.readouterr()
    assert '-    - cron: "0 6 * * *"' in said.out
    assert typed(monkeypatch, "ci", "github", "--force") == 0
    assert typed(monkeypatch, "ci", "github", "--check") == 0


def test_file_when_another_one_is_there(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Jenkinsfile of somebody's own is kept; a dry run writes nothing and ends well."""
    (workspace / "Jenkinsfile").write_text("pipeline { }\n")
    assert typed(monkeypatch, "ci", "jenkins", "--dry-run") == 0
    assert typed(monkeypatch, "ci", "jenkins") == 2
    assert (workspace / "Jenkinsfile").read_text() == "pipeline { }\n"


def test_file_when_it_is_a_link(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it leads to is written, and the link stays."""
    (workspace / "ci").mkdir()
    (workspace / "Jenkinsfile").symlink_to("ci/Jenkinsfile")
    assert typed(monkeypatch, "ci", "jenkins") == 0
    assert (workspace / "Jenkinsfile").is_symlink()
    assert "pipeline {" in (workspace / "ci/Jenkinsfile").read_text()


def test_workspace_when_it_has_no_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """There are jobs for pull requests alone, and it is said how to get the others."""
    monkeypatch.chdir(made(tmp_path, "images", lab=LAB.replace("4999", "5001")))
    assert typed(monkeypatch, "ci", "github", "--json") == 0
    said = capsys.readouterr()
    assert not any("ami-build.yml" in file or "sweep" in file for file in changes(said.out))
    assert "hint: ami new environment NAME --region REGION" in said.err
    text = (tmp_path / ".github/workflows/ami-pull-request.yml").read_text()
    assert "sudo ami lab up --port 5001\n" in text
    assert "id-token" not in text


def test_branch_when_origin_has_another(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The main branch is the one that a clone starts with."""
    (workspace / ".git").rmdir()
    for words in (["init", "-q"], ["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk"]):
        subprocess.run(["git", "-C", workspace, *words], check=True)
    assert typed(monkeypatch, "ci", "jenkins") == 0
    assert "branch 'trunk'" in (workspace / "Jenkinsfile").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gitub"], "no CI service 'gitub' (did you mean 'github'?)"),
        (["github", "--env", "prdo"], "(did you mean 'prod'?)"),
        (["github", "--env", "lab"], "--env lab: its endpoint is a lab on this machine"),
        (["github", "--package", "a'b"], "--package a'b: a pipeline cannot hold"),
        (["github", "--branch", "a${b}"], "--branch a${b}: a pipeline cannot hold"),
    ],
)
def test_pipeline_when_something_typed_is_wrong(
    workspace: Path,
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Nothing is written, and the nearest right name is said."""
    before = sorted(workspace.rglob("*"))
    assert typed(monkeypatch, "ci", *arguments) == 2
    assert message in capsys.readouterr().err
    assert sorted(workspace.rglob("*")) == before


@pytest.mark.parametrize(
    ("environments", "message"),
    [
        ({"lab": PROD}, "is a lab"),
        ({"lab": LAB, "dev": PROD, "prod": PROD}, "There are dev, prod"),
    ],
)
def test_pipeline_when_environments_are_unclear(
    environments: dict[str, str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A pipeline needs a lab for pull requests, and has to know which account is meant."""
    monkeypatch.chdir(made(tmp_path, **environments))
    assert typed(monkeypatch, "ci", "github") == 2
    said = capsys.readouterr().err
    assert message in said
    assert "hint:" in said


def test_init_when_a_pipeline_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The pipeline is written with the workspace, at the top of the repository, as `ami ci` would write it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    assert typed(monkeypatch, "init", "hello", "--yes", "--ci", "gitlb") == 2
    assert typed(monkeypatch, "init", "hello", "--yes", "--ci", "github", "--dry-run") == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [".git"]
    assert "would write .github/workflows/ami-pull-request.yml" in capsys.readouterr().err
    assert typed(monkeypatch, "init", "hello", "--yes", "--ci", "github") == 0
    assert 'working-directory: "hello"' in (tmp_path / ".github/workflows/ami-pull-request.yml").read_text()
    assert typed(monkeypatch, "ci", "github", "--check", "-C", "hello") == 0


def test_init_when_another_pipeline_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written, neither the workspace nor over the pipeline."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    (tmp_path / "Jenkinsfile").write_text("mine\n")
    assert typed(monkeypatch, "init", "hello", "--yes", "--ci", "jenkins") == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == [".git", "Jenkinsfile"]
