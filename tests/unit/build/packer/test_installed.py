"""The Packer of this machine as what is rendered for, and as what a record keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.build.packer import installed
from orchestrator.build.packer.plugin_folders import Packer
from orchestrator.build.packer.plugins import Requirement
from orchestrator.definition.workspace_file import PluginPin
from orchestrator.errors import LackError
from orchestrator.render.packer_set import PackerSet
from tests.packers.install import install, install_plugin

if TYPE_CHECKING:
    from pathlib import Path

    from tests.packers.setting import Home


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A Packer 1.16.0 with amazon 1.8.2 and ansible 1.1.6."""
    made = install(tmp_path / "packer", "1.16.0")
    monkeypatch.setenv("PACKER_PLUGIN_PATH", str(made.plugins))
    return made


def test_what_is_there_decides_what_is_rendered(home: Home, tmp_path: Path) -> None:
    install_plugin(home.plugins, "docker", "1.0.9")
    pins = {"docker": PluginPin(version=">= 1.0.8", source="github.com/hashicorp/docker")}
    there = Packer(home.program, "1.16.0")
    ready = installed.ready(installed.asked_by_frame(there, pins), tmp_path, there=there)
    assert ready.packers == PackerSet("1.16.0", "1.8.2", "1.1.6")
    assert ready.versions == {"packer": "1.16.0", "amazon": "1.8.2", "ansible": "1.1.6", "docker": "1.0.9"}


def test_a_pin_chooses_among_what_is_there(home: Home, tmp_path: Path) -> None:
    install_plugin(home.plugins, "amazon", "1.3.10")
    there = Packer(home.program, "1.16.0")
    asked = installed.asked_by_frame(there, {"amazon": PluginPin(version="< 1.8")})
    assert installed.ready(asked, tmp_path, there=there).packers.amazon == "1.3.10"


def test_a_plugin_that_is_too_old_for_the_workspace_is_named(home: Home, tmp_path: Path) -> None:
    there = Packer(home.program, "1.16.0")
    asked = installed.asked_by_frame(there, {"amazon": PluginPin(version=">= 1.9.0")})
    found = installed.looked_up(there, asked, tmp_path)
    assert installed.set_of(there, (one.plugin for one in found if one.plugin)).amazon == "1.2.1"
    with pytest.raises(LackError) as caught:
        installed.ready(asked, tmp_path, there=there, known=found)
    assert "github.com/hashicorp/amazon >= 1.2.1, < 2.0.0, >= 1.9.0" in caught.value.message
    assert "packer-plugin-amazon_v1.8.2" in caught.value.message
    assert caught.value.hint == "packer plugins install github.com/hashicorp/amazon"


def test_a_plugin_that_was_looked_up_is_not_looked_up_again(home: Home, tmp_path: Path) -> None:
    """It may have 200 MB, all of which are read for its checksum."""
    there = Packer(home.program, "1.16.0")
    asked = installed.asked_by_frame(there, {})
    found = installed.looked_up(there, asked, tmp_path)
    for path in home.plugins.rglob("*_SHA256SUM"):
        path.unlink()
    assert installed.ready(asked, tmp_path, there=there, known=found).packers.amazon == "1.8.2"
    with pytest.raises(LackError, match="its checksum is missing"):
        installed.ready(asked, tmp_path, there=there)


def test_a_frame_of_a_workspace_may_ask_for_an_older_plugin(home: Home, tmp_path: Path) -> None:
    """What such a plugin knows is rendered, and no error that it is old."""
    install_plugin(home.plugins, "amazon", "1.2.0")
    there = Packer(home.program, "1.16.0")
    ready = installed.ready([Requirement("github.com/hashicorp/amazon", "< 1.2.1")], tmp_path, there=there)
    assert not ready.packers.knows("imds_support")
    assert ready.packers.knows("metadata_options")


def test_a_packer_with_plugins_built_in_needs_none(tmp_path: Path) -> None:
    there = Packer(tmp_path / "packer", "1.6.6")
    ready = installed.ready(installed.asked_by_frame(there, {}), tmp_path, there=there)
    assert (ready.packers, ready.versions) == (PackerSet("1.6.6"), {"packer": "1.6.6"})
