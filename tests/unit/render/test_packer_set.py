"""Versions that are named or found become a set, or are refused."""

from __future__ import annotations

import pytest

from orchestrator.definition.workspace_file import PluginPin
from orchestrator.errors import LackError, UsageError
from orchestrator.render.packer_set import PackerSet, packer_set, packer_version_of
from tests.unit.render.sets import LEGACY, PLUGINS

DOCKER = {"docker": PluginPin(version=">= 1.0.8", source="github.com/hashicorp/docker")}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Packer v1.6.6\n", "1.6.6"),
        ("1.6.6\n", "1.6.6"),
        ("1.16", "1.16"),
        ("Packer v1.6.6\n\nYour version of Packer is out of date! The latest version\nis 1.11.2.\n", "1.6.6"),
        ("Packer v1.7.0\n", "1.7.0"),
        ("Packer v1.14.0-dev (0a1b2c3d+CHANGES)\n", "1.14.0"),
        ("2.0.1", "2.0.1"),
    ],
)
def test_when_packer_says_its_version_then_it_is_known(said: str, expected: str) -> None:
    assert packer_version_of(said) == expected


@pytest.mark.parametrize("said", ["", "cracklib: unpacked 3 words", "Packer", "v", "1"])
def test_when_no_version_is_said_then_that_is_what_lacks(said: str) -> None:
    with pytest.raises(LackError, match="no Packer version"):
        packer_version_of(said)


def test_when_packer_is_older_than_hcl_then_that_is_said() -> None:
    with pytest.raises(LackError, match=r"Packer 1\.5\.6 is too old"):
        packer_set("Packer v1.5.6\n")


@pytest.mark.parametrize(
    ("packer", "plugins", "expected"),
    [
        ("1.6.6", {}, LEGACY),
        ("1.16", {}, PackerSet("1.16", "1.2.1", "1.1.0")),
        ("1.16", {"amazon": "1.8"}, PackerSet("1.16", "1.8", "1.1.0")),
        ("1.9.5", {"amazon": "1.2.6", "ansible": "1.1.0"}, PLUGINS),
    ],
)
def test_a_plugin_that_is_not_named_counts_as_the_oldest(
    packer: str, plugins: dict[str, str], expected: PackerSet
) -> None:
    assert packer_set(packer, **plugins) == expected


@pytest.mark.parametrize(
    ("packer", "plugins", "said"),
    [
        ("1.6.6", {"amazon": "1.8"}, "has its plugins built in"),
        ("1.16", {"amazon": "1.2.0"}, r"amazon plugin 1\.2\.0 is not served: 1\.2\.1 or newer"),
        ("1.16", {"ansible": "2"}, "ansible plugin 2 is not served"),
        ("1.16", {"amazon": "newest"}, "'newest' is no version of the amazon plugin"),
    ],
)
def test_a_plugin_that_cannot_be_is_refused(packer: str, plugins: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        packer_set(packer, **plugins)


def test_pins_narrow_what_every_file_asks_for() -> None:
    pins = {"amazon": PluginPin(version="~> 1.3"), **DOCKER}
    assert PLUGINS.required_plugins(pins) == {
        "amazon": {"version": ">= 1.2.1, < 2.0.0, ~> 1.3", "source": "github.com/hashicorp/amazon"},
        "ansible": {"version": ">= 1.1.0, < 2.0.0", "source": "github.com/hashicorp/ansible"},
        "docker": {"version": ">= 1.0.8", "source": "github.com/hashicorp/docker"},
    }


def test_a_packer_without_plugins_of_its_own_asks_for_none_and_refuses_pins() -> None:
    assert LEGACY.required_plugins({}) == {}
    with pytest.raises(LackError, match=r"Packer 1\.6\.6 has its plugins built in, and ami\.yml asks for docker"):
        LEGACY.required_plugins(DOCKER)
