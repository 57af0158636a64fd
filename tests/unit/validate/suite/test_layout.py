"""The files that reports name are those of the workspaces, not their copies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.validate.request import RoleTests
from orchestrator.validate.suite.layout import Layout

if TYPE_CHECKING:
    from pathlib import Path


def written_in(workspace: Path, folder: str) -> RoleTests:
    (workspace / folder).mkdir(parents=True)
    (workspace / folder / "test_role.py").write_text("def test_a(): pass\n")
    return RoleTests(folder.split("/")[1], workspace / folder)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "copy").mkdir()
    return tmp_path / "copy"


def test_source_when_there_is_one_workspace(tmp_path: Path, root: Path) -> None:
    """Paths are those of the workspace, of a role from elsewhere, too; temporary files of tests keep their names."""
    mine = tmp_path / "mine"
    layout = Layout(root, [written_in(mine, "roles/a/tests"), written_in(mine, "tests/roles/b")], mine)
    assert layout.folders == ("roles/a/tests", "tests/roles/b")
    assert layout.source("tests/roles/b/test_role.py") == "tests/roles/b/test_role.py"
    text = f"File {root}/roles/a/tests/test_role.py, {root}/tmp/x, workspace-1/x"
    assert layout.with_sources(text) == f"File roles/a/tests/test_role.py, {root}/tmp/x, workspace-1/x"


@pytest.mark.parametrize("alone", [True, False])
def test_source_when_a_workspace_extends_another(tmp_path: Path, root: Path, *, alone: bool) -> None:
    """Files of the other one are named from the workspace, also when it has all the tests."""
    mine, other = tmp_path / "mine", tmp_path / "other"
    tests = [written_in(other, "roles/b/tests"), *([] if alone else [written_in(mine, "roles/a/tests")])]
    layout = Layout(root, tests, mine)
    assert layout.source("workspace-1/roles/b/tests/test_role.py") == "../other/roles/b/tests/test_role.py"
    text = f"workspace-1/roles/b/tests/test_role.py:3: in {root}/workspace-1/conftest.py, my-workspace-1/, workspace-7/"
    told = "../other/roles/b/tests/test_role.py:3: in ../other/conftest.py, my-workspace-1/, workspace-7/"
    assert layout.with_sources(text) == told
    if not alone:
        assert layout.source("workspace-2/roles/a/tests/test_role.py") == "roles/a/tests/test_role.py"
        assert layout.with_sources("workspace-2/roles/a/x") == "roles/a/x"
    assert (root / layout.folders[0] / "test_role.py").is_file()
