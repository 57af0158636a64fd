"""`ami init`: what it writes is a workspace, and what is there stays as it is."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from orchestrator.definition.workspace import load
from tests.cli.in_process import typed
from tests.cli.terminal import seen

AMI = Path(sys.executable).parent / "ami"
REPOSITORY = Path(__file__).parents[2]
FACTORY = """\
name: factory
sources:
  debian-12: {ami_id: ami-0123456789abcdef0, ssh_username: admin}
layers: [base]
"""
STONE = """\
name: stone
description: What every server starts from
owner: {team: platform, email: platform@example.com}
from: debian-12
layers: [base]
"""
EDITORS = re.compile(r"# yaml-language-server: \$schema=(\S+)\n")


def init(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([AMI, "init", *arguments], cwd=cwd, capture_output=True, text=True, check=False)


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_workspace_when_it_stands_by_itself(tmp_path: Path) -> None:
    """It has no mistakes, a source, a protected layer, and an image of its name with a tested role."""
    place = tmp_path / 'a "folder" with: spaces'
    place.mkdir()
    done = init("my-portal", cwd=place)
    assert done.returncode == 0, done.stderr
    assert files(place / "my-portal") == {
        ".gitignore",
        ".yamllint",
        "CODEOWNERS",
        "ami.yml",
        "packer/environments/lab.pkrvars.hcl",
        "packer/images/my-portal.yml",
        "roles/my_portal/tasks/main.yml",
        "roles/my_portal/tests/test_my_portal.py",
        "schema/ami.schema.json",
        "schema/image.schema.json",
    }
    loaded = load(place / "my-portal")
    image = loaded.image("my-portal")
    assert (image.from_, [layer.name for layer in image.layers]) == ("debian-12", ["base", "app"])
    assert (image.owner.team, image.owner.email) == ("my-portal", "my-portal@example.com")
    assert loaded.layers["base"].protected
    assert [path.name for path in loaded.tests_of_role("my_portal")] == ["tests"]
    assert done.stderr.splitlines()[-1] == "next: cd my-portal; ami lab up; ami build my-portal"


def test_schemas_when_an_editor_looks_for_them(tmp_path: Path) -> None:
    """The first line of each file leads to a schema that is there and that the file fits."""
    assert init("hello", cwd=tmp_path).returncode == 0
    written = [tmp_path / "hello/ami.yml", tmp_path / "hello/packer/images/hello.yml"]
    for path in written:
        found = EDITORS.match(path.read_text())
        assert found, path
        schema = json.loads((path.parent / found[1]).read_text())
        jsonschema.validate(yaml.safe_load(path.read_text()), schema)


def test_workspace_when_it_extends_another(tmp_path: Path) -> None:
    """Its image starts from golden; the environment, the source and the layers are those of the other one."""
    team = tmp_path / "portal"
    team.mkdir()
    done = init("--extends", str(REPOSITORY), "--owner", "Portal <portal@example.org>", cwd=team)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "next: ami lab up; ami build portal --with-parents"
    assert "packer/environments/lab.pkrvars.hcl" not in files(team)
    loaded = load(team)
    image = loaded.image("portal")
    assert (image.from_, [layer.name for layer in image.layers]) == ("golden", ["app"])
    assert (image.owner.team, image.owner.email) == ("Portal", "portal@example.org")
    assert loaded.extends is not None
    assert (loaded.extends.root, loaded.default_environment) == (REPOSITORY, "lab")
    assert set(re.findall(r"^/(\S+) +portal@example.org$", (team / "CODEOWNERS").read_text(), re.MULTILINE)) == {
        "ami.yml",
        "CODEOWNERS",
    }


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a factory in git with an image `stone` and no environment; a cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = tmp_path / "factory"
    for name, text in (("ami.yml", FACTORY), ("packer/images/stone.yml", STONE)):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    author = ["-c", "user.name=tests", "-c", "user.email=tests@example.com"]
    for words in (["init", "--quiet"], ["add", "."], [*author, "commit", "--quiet", "-m", "first"], ["tag", "v1.0.0"]):
        subprocess.run(["git", "-C", root, *words], check=True)
    return f"file://{root}"


def test_workspace_when_it_extends_a_repository(
    repository: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is locked to the commit of the ref, and has the first image of the factory to start from, and a lab."""
    monkeypatch.chdir(tmp_path)
    assert typed(monkeypatch, "init", "team", "--yes", "--extends", repository, "--ref", "v1.0.0") == 0
    assert {"ami.lock", "packer/environments/lab.pkrvars.hcl"} < files(tmp_path / "team")
    assert re.search(r"^/ami.lock +team@example.com$", (tmp_path / "team/CODEOWNERS").read_text(), re.MULTILINE)
    loaded = load(tmp_path / "team")
    assert loaded.image("team").from_ == "stone"
    assert loaded.extends is not None
    assert (loaded.extends.origin.git, loaded.extends.origin.ref) == (repository, "v1.0.0")
    done = subprocess.run(
        [AMI.parent / "yamllint", "--strict", "."], cwd=tmp_path / "team", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "which version of URL?"),
        (["--ref", "v1.0.1"], "v1.0.1"),
        (["--ref", "v1.0.0", "--from", "ston"], "URL has no image or source 'ston' (did you mean 'stone'?)"),
        (["--ref", "v1.0.0", "--folder", "../up"], "has to lie in the repository"),
    ],
)
def test_workspace_when_a_repository_cannot_be_extended(
    repository: str,
    arguments: list[str],
    expected: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Nothing is written, and no folder is named that only the trial had."""
    monkeypatch.chdir(tmp_path)
    assert typed(monkeypatch, "init", "team", "--extends", repository, *arguments) == 2
    said = capsys.readouterr().err.replace(repository, "URL")
    assert expected in said
    assert "/tmp/tmp" not in said
    assert not (tmp_path / "team").exists()


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
        (["Hello World"], "'Hello World' cannot be the name of an image (did you mean 'hello-world'?)"),
        (["--", "-"], "'-' cannot be the name of an image"),
        (["hello", "--owner", "me"], "--owner 'me': write a team and an address, as 'portal <portal@example.com>'"),
        (["hello", "--from", "golden"], "--from is for a workspace that extends another one"),
        (["hello", "--extends", "."], ". is no workspace: it has no ami.yml"),
        (["web", "--extends", str(REPOSITORY)], f"{REPOSITORY} has an image 'web' already"),
        (["nginx", "--extends", str(REPOSITORY)], f"{REPOSITORY} has a role 'nginx' already"),
        (
            ["hello", "--extends", str(REPOSITORY), "--from", "goldn"],
            f"{REPOSITORY} has no image or source 'goldn' (did you mean 'golden'?)",
        ),
    ],
)
def test_workspace_when_it_cannot_be(
    tmp_path: Path,
    arguments: list[str],
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A name that is none or is taken, and a workspace that is none, are mistakes."""
    monkeypatch.chdir(tmp_path)
    code = typed(monkeypatch, "init", *arguments)
    assert (code, capsys.readouterr().err.splitlines()[0]) == (2, f"error: {expected}")
    assert files(tmp_path) == set()


@pytest.mark.parametrize(
    ("keys", "expected"),
    [(b"\r", "hello <hello@example.com>"), (b"Shop <shop@example.org>\r", "Shop <shop@example.org>")],
)
def test_owner_when_somebody_is_asked(tmp_path: Path, keys: bytes, expected: str) -> None:
    """Enter alone takes what is offered."""
    screen = seen([str(AMI), "init", "hello"], 80, cwd=tmp_path, keys=keys, env=dict(os.environ))
    assert screen.code == 0, screen.text
    owner = load(tmp_path / "hello").image("hello").owner
    assert f"{owner.team} <{owner.email}>" == expected
