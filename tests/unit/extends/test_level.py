"""A team's workspace that extends a factory in a git repository: what it sees, and what is refused."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from orchestrator.definition.environment import Environment
from orchestrator.definition.workspace import Workspace, load
from orchestrator.errors import DefinitionError
from orchestrator.extends.checkout import folder_of
from orchestrator.lock_update import lock_update
from tests.unit.plan.conftest import Planner, copy_to

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.extends.conftest import FactoryRepository

IMAGE = """
name: {name}
description: an image
owner: {{team: tests, email: tests@example.com}}
from: {start}
layers:
  - {name}: {{roles: [{name}]}}
"""


def lock(root: Path) -> None:
    """What `ami update --yes` does."""
    update = lock_update(root, print)
    assert update is not None
    update.write()


def write(root: Path, name: str, extends: str, *, start: str = "golden") -> None:
    """A workspace with one image and its role, which have the workspace's name."""
    files = {
        "ami.yml": f"name: {name}\n\nextends: {extends}\nlayers: [{name}]\n",
        f"packer/images/{name}.yml": IMAGE.format(name=name, start=start),
        f"roles/{name}/tasks/main.yml": "[]\n",
        f"roles/{name}/tests/test_it.py": "def test_it(): pass\n",
    }
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def fingerprints(workspace: Workspace, image: str) -> list[str]:
    segments = Planner(workspace, Environment(name="elsewhere", path=workspace.root, region="us-east-1")).segments(
        [image]
    )
    return [inputs.fingerprint for segment in segments for inputs in segment.inputs.chain()]


def problems(root: Path) -> list[str]:
    with pytest.raises(DefinitionError) as caught:
        load(root)
    return [str(problem) for problem in caught.value.problems]


def test_levels_when_they_come_from_git(factory: FactoryRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Team, department and factory, each locked where it is written; golden is the factory's own, offline as well."""
    shutil.rmtree(factory.folder / "roles")
    copy_to(factory.folder)
    commit = factory.commit({}, tag="v2.0.0")
    department = type(factory)(factory.folder.with_name("department"), factory.team)
    write(department.folder, "department", f"{{git: {factory.url}, ref: v2.0.0}}")
    department.git("init", "--quiet")
    lock(department.folder)
    department.commit({}, tag="d1")
    write(factory.team, "team", f"{{git: {department.url}, ref: d1}}", start="department")
    lock(factory.team)
    factory.commit({"roles/system/tasks/main.yml": "[]\n"}, tag="v2.0.0")
    own = fingerprints(load(department.folder), "department")

    monkeypatch.setenv("PATH", "")
    for repository in (factory.folder, department.folder):
        shutil.rmtree(repository)
    team = load(factory.team)
    assert [level.name for level in team.chain()] == ["team", "department", "factory", "builtin"]
    origin = team.home("golden").origin
    assert (origin.git, origin.ref, origin.commit) == (factory.url, "v2.0.0", commit)
    assert fingerprints(team, "department") == own
    assert set(own) < set(fingerprints(team, "team"))
    assert list(team.own_images) == ["team"]


def test_levels_when_one_is_a_folder_of_a_repository(factory: FactoryRepository) -> None:
    """It may extend another folder of the repository, and nothing outside of it."""
    factory.commit(
        {
            "platform/ami.yml": "name: platform\nextends: ../images\n",
            "images/ami.yml": "name: images\n",
            "out/ami.yml": "name: out\nextends: ../../elsewhere\n",
        },
        tag="v2",
    )
    (factory.team / "ami.yml").write_text(f"name: team\nextends: {{git: {factory.url}, ref: v2, folder: platform}}\n")
    lock(factory.team)
    assert [level.name for level in load(factory.team).chain()] == ["team", "platform", "images", "builtin"]

    (factory.team / "ami.yml").write_text(f"name: team\nextends: {{git: {factory.url}, ref: v2, folder: out}}\n")
    with pytest.raises(DefinitionError) as caught:
        lock(factory.team)
    assert "'../../elsewhere' leads out of the repository that this workspace is in" in str(caught.value)
    (factory.team / "ami.yml").write_text(f"name: team\nextends: {{git: {factory.url}, ref: v2, folder: platfrm}}\n")
    with pytest.raises(DefinitionError) as caught:
        lock(factory.team)
    assert str(caught.value).endswith("folder platfrm (did you mean 'platform'?)")


@pytest.mark.parametrize(
    ("extends", "expected"),
    [
        ("{git: ../factory, ref: v1}", "'git' is no URL; a folder is `extends: {path: ...}`"),
        ("{git: 'https://me:hunter2@x.example.com/y', ref: v1}", "'git' holds a password or a token"),
        ("{git: 'https://x.example.com/y', ref: -f}", "'ref' is no name of a tag or branch, and no commit"),
        ("{git: 'https://x.example.com/y', ref: v1, folder: ../z}", "'folder' has to lie in the repository"),
        ("{git: 'https://x.example.com/y', ref: v1}", "'https://x.example.com/y' is not locked: there is no ami.lock"),
        ("{git: 'https://x.example.com/y', reff: v1}", "unknown key 'reff' (did you mean 'ref'?)"),
    ],
)
def test_extends_when_it_is_wrong(tmp_path: Path, extends: str, expected: str) -> None:
    """The line in `ami.yml`, what is wrong, and no password."""
    (tmp_path / "ami.yml").write_text(f"name: team\nextends: {extends}\n")
    found = problems(tmp_path)
    assert f"{tmp_path}/ami.yml:2: {expected}" in found[0]
    assert "hunter2" not in "".join(found)


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        ("format: 2\n", 1, "its format is not 1: another release of ami wrote it; `ami update` writes it anew"),
        ("format: 1\nextends: {git: x}\n", 2, "this is no pin of a commit"),
        ("format: 1\n<<<<<<< ours\n", 2, "is not YAML"),
    ],
)
def test_lock_when_it_cannot_be_read(factory: FactoryRepository, text: str, line: int, expected: str) -> None:
    """The line in `ami.lock`; an update writes it anew."""
    (factory.team / "ami.yml").write_text(f"name: team\nextends: {{git: {factory.url}, ref: v1.0.0}}\n")
    (factory.team / "ami.lock").write_text(text)
    (found,) = problems(factory.team)
    assert found.startswith(f"{factory.team}/ami.lock:{line}: {expected}")
    lock(factory.team)
    assert load(factory.team).extends is not None


def test_level_when_it_has_no_lock(factory: FactoryRepository) -> None:
    """What a level below extends has to be locked there: its owner is told apart."""
    factory.commit({"ami.yml": f"name: factory\nextends: {{git: {factory.url}, ref: v1.0.0}}\n"}, tag="v2")
    (factory.team / "ami.yml").write_text(f"name: team\nextends: {{git: {factory.url}, ref: v2}}\n")
    with pytest.raises(DefinitionError) as caught:
        lock(factory.team)
    assert "is not locked: there is no ami.lock" in str(caught.value)
    assert str(folder_of(factory.git("rev-parse", "v2"))) in str(caught.value)
    assert not (factory.team / "ami.lock").exists()
