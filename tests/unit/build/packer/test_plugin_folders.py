"""Where each version of Packer looks for plugins."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.build.packer.plugin_folders import Packer, Search, check_workspace, folders, search_of
from orchestrator.definition.workspace import Workspace
from orchestrator.errors import DefinitionError, LackError

HERE = Path("/srv/images")


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1.6.6", Search.BUILT_IN),
        ("1.7.0", Search.MANY),
        ("1.8.7", Search.MANY),
        ("1.9.5", Search.VARIABLE_ALONE),
        ("1.10.3", Search.VARIABLE_ALONE),
        ("1.11.0", Search.ONE),
        ("1.16.0", Search.ONE),
        ("2.0.1", Search.ONE),
    ],
)
def test_search_of_a_version(version: str, expected: Search) -> None:
    assert search_of(version) is expected


@pytest.mark.parametrize(
    ("version", "environ", "expected"),
    [
        ("1.6.6", {"PACKER_PLUGIN_PATH": "/a"}, []),
        ("1.8.7", {}, ["/srv/images", "HOME/.config/packer/plugins"]),
        (
            "1.8.7",
            {"PACKER_PLUGIN_PATH": "/a:b"},
            ["/srv/images", "HOME/.config/packer/plugins", "/a", "/srv/images/b"],
        ),
        ("1.9.5", {}, ["/opt/packer", "/srv/images", "HOME/.config/packer/plugins"]),
        ("1.9.5", {"PACKER_PLUGIN_PATH": "/a:/b"}, ["/a", "/b"]),
        ("1.16.0", {}, ["HOME/.config/packer/plugins"]),
        ("1.16.0", {"PACKER_PLUGIN_PATH": "/a"}, ["/a"]),
        ("1.16.0", {"XDG_CONFIG_HOME": "/x"}, ["/x/packer/plugins"]),
        ("1.16.0", {"PACKER_CONFIG_DIR": "/c", "XDG_CONFIG_HOME": "/x"}, ["/c/.packer.d/plugins"]),
    ],
)
def test_folders_in_the_order_of_a_version(
    version: str, environ: dict[str, str], expected: list[str], tmp_path: Path
) -> None:
    found = folders(Packer(Path("/opt/packer/packer"), version), HERE, {"HOME": str(tmp_path), **environ})
    assert [str(folder).replace(str(tmp_path), "HOME") for folder in found] == expected


def test_the_old_folder_counts_when_it_is_there(tmp_path: Path) -> None:
    (tmp_path / ".packer.d").mkdir()
    environ = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": "/x"}
    assert folders(Packer(Path("/opt/packer"), "1.16.0"), HERE, environ) == (tmp_path / ".packer.d/plugins",)


def test_a_packer_that_could_not_start_is_told_with_what_helps() -> None:
    packer = Packer(Path("/opt/packer"), "1.16.0")
    with pytest.raises(LackError, match="names 2 folders") as several:
        folders(packer, HERE, {"HOME": "/root", "PACKER_PLUGIN_PATH": "/a:/b"})
    assert several.value.hint == "export PACKER_PLUGIN_PATH=/a"
    with pytest.raises(LackError, match="HOME is not set"):
        folders(packer, HERE, {})
    assert folders(packer, HERE, {"PACKER_PLUGIN_PATH": "/a"}) == (Path("/a"),)


@pytest.mark.parametrize("name", ["packer-plugin-amazon", "packer-builder-amazon-ebs", "packer-provisioner-ansible"])
def test_a_plugin_that_lies_in_the_workspace_is_refused_where_it_would_be_run(name: str, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, "w")
    (tmp_path / "packer").mkdir()
    check_workspace(workspace, Packer(Path("/opt/packer"), "1.6.6"))
    (tmp_path / name).write_text("")
    check_workspace(workspace, Packer(Path("/opt/packer"), "1.9.5"))
    for version in ("1.6.6", "1.8.7"):
        with pytest.raises(DefinitionError, match=f"{name}: Packer {version} would run this file as a plugin"):
            check_workspace(workspace, Packer(Path("/opt/packer"), version))
