"""`ami init`: what it writes is a workspace, and what is there stays as it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.cli.first_workspace import factory
from orchestrator.definition.workspace import load

AMI = Path(sys.executable).parent / "ami"


def init(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([AMI, "init", *arguments], cwd=cwd, capture_output=True, text=True, check=False)


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_workspace_when_written(tmp_path: Path) -> None:
    """It has no mistakes, an image of its name on golden, and a role with a test."""
    place = tmp_path / 'a "folder" with: spaces'
    place.mkdir()
    done = init("my-portal", cwd=place)
    assert done.returncode == 0, done.stderr
    loaded = load(place / "my-portal")
    image = loaded.image("my-portal")
    assert (image.from_, [layer.name for layer in image.layers]) == ("golden", ["app"])
    assert [path.name for path in loaded.tests_of_role("my_portal")] == ["tests"]
    assert loaded.extends is not None
    assert loaded.extends.root == factory()
    assert done.stderr.splitlines()[-1] == "next: cd my-portal; ami lab up; ami build my-portal"


def test_workspace_when_something_is_there(tmp_path: Path) -> None:
    """Nothing is written then, and nothing in a dry run."""
    (tmp_path / "hello/roles/hello/tasks").mkdir(parents=True)
    (tmp_path / "hello/roles/hello/tasks/main.yml").write_text("mine")
    done = init("hello", cwd=tmp_path)
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        2,
        "error: hello has roles/hello/tasks/main.yml already: nothing was written",
    )
    assert init("other", "--dry-run", cwd=tmp_path).returncode == 0
    assert files(tmp_path) == {"hello/roles/hello/tasks/main.yml"}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["Hello"], "'Hello' cannot be the name of an image"),
        (["hello", "--extends", "."], ". is no workspace: it has no ami.yml"),
        (["web"], f"{factory()} has an image 'web' already"),
        (["seal"], f"{factory()} has a role 'seal' already"),
    ],
)
def test_workspace_when_it_cannot_be(tmp_path: Path, arguments: list[str], expected: str) -> None:
    """A name that is none or is taken, and a workspace that is none, are mistakes."""
    done = init(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stderr.splitlines()[0]) == (2, f"error: {expected}")
    assert files(tmp_path) == set()
