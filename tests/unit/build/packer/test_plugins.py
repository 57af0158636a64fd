"""Which plugin file a Packer takes, and why it takes no other."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from orchestrator.build.packer import plugins
from orchestrator.build.packer.plugin_folders import Search
from orchestrator.build.packer.plugins import Plugin, Requirement, Unfit, find, hand_over

AMAZON = Requirement("github.com/hashicorp/amazon", ">= 1.2.1, < 2.0.0")
HERE = "_".join(plugins._here())
PLUGIN = """#!/bin/sh
[ "$1" = describe ] && echo '{"version":"VERSION","api_version":"x5.0"}'
"""


def install(folder: Path, version: str, *, says: str = "", checksum: bool = True, suffix: str = f"x5.0_{HERE}") -> Path:
    """A plugin file as `packer plugins install` leaves it."""
    path = folder / AMAZON.source / f"packer-plugin-amazon_v{version}_{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(PLUGIN.replace("VERSION", says or version))
    path.chmod(0o755)
    if checksum:
        Path(f"{path}_SHA256SUM").write_text(hashlib.sha256(path.read_bytes()).hexdigest())
    return path


@pytest.mark.parametrize(("search", "expected"), [(Search.ONE, "1.10.0"), (Search.VARIABLE_ALONE, "1.9.0")])
def test_the_highest_version_is_taken_which_old_packers_tell_by_text(
    search: Search, expected: str, tmp_path: Path
) -> None:
    for version in ("1.10.0", "1.9.0", "1.2.6"):
        install(tmp_path, version)
    taken = find(AMAZON, [tmp_path], search).plugin
    assert taken is not None
    assert taken.version == expected


def test_of_one_version_in_two_folders_the_first_is_taken(tmp_path: Path) -> None:
    first, second = install(tmp_path / "a", "1.2.6"), install(tmp_path / "b", "1.2.6")
    taken = [
        find(AMAZON, folders, Search.MANY).plugin for folders in ([tmp_path / "a", tmp_path / "b"], [tmp_path / "b"])
    ]
    assert [one.path for one in taken if one] == [first, second]


def test_a_file_that_packer_ignores_is_told_with_its_reason(tmp_path: Path) -> None:
    """Packer says "Missing plugins" for each of these, and nothing of the file that is there."""
    old, new = install(tmp_path, "1.0.9"), install(tmp_path, "2.0.0")
    bare, lies = install(tmp_path, "1.3.0", checksum=False), install(tmp_path, "1.4.0", says="1.4.1")
    other, strange = (
        install(tmp_path, "1.5.0", suffix="x5.0_plan9_mips"),
        install(tmp_path, "1.6.0", suffix=f"x6.0_{HERE}"),
    )
    torn, closed = install(tmp_path, "1.7.0"), install(tmp_path, "1.8.0")
    torn.write_text(f"{torn.read_text()}# changed\n")
    closed.chmod(0o644)
    draft = install(tmp_path, "1.9.0-dev")
    found = find(AMAZON, [tmp_path], Search.ONE)
    assert found.plugin is None
    told = {one.path: one.why for one in found.unfit}
    assert told == {
        old: "the template asks for >= 1.2.1, < 2.0.0",
        new: "the template asks for >= 1.2.1, < 2.0.0",
        bare: f"its checksum is missing: {bare.name}_SHA256SUM beside it",
        lies: "it calls itself version 1.4.1",
        other: f"it is made for plan9_mips, and this is {HERE}",
        strange: "it speaks version 6 of the plugin protocol, and Packer 5",
        torn: f"it is not the file that {torn.name}_SHA256SUM tells of",
        closed: "it is not executable",
        draft: "1.9.0-dev is no released version",
    }


def test_a_better_version_that_does_not_fit_is_told_beside_the_one_that_is_taken(tmp_path: Path) -> None:
    good, bare = install(tmp_path, "1.2.6"), install(tmp_path, "1.8.2", checksum=False)
    found = find(AMAZON, [tmp_path], Search.ONE)
    assert found.plugin == Plugin(AMAZON.source, "1.2.6", good)
    assert found.unfit == (Unfit(bare, f"its checksum is missing: {bare.name}_SHA256SUM beside it"),)


def test_files_that_are_not_where_plugins_lie_are_none(tmp_path: Path) -> None:
    loose = tmp_path / f"packer-plugin-amazon_v1.2.6_x5.0_{HERE}"
    loose.write_text("")
    (tmp_path / AMAZON.source).mkdir(parents=True)
    (tmp_path / AMAZON.source / "packer-plugin-amazon-extra_v1.2.6").write_text("")
    assert find(AMAZON, [tmp_path, tmp_path / "missing"], Search.ONE) == plugins.Found(AMAZON, None)


def test_what_is_handed_over_is_what_was_found_and_nothing_else(tmp_path: Path) -> None:
    for version in ("1.2.6", "1.8.2"):
        install(tmp_path / "a", version)
    taken = find(AMAZON, [tmp_path / "a"], Search.ONE).plugin
    assert taken is not None
    hand_over([taken], tmp_path / "b")
    again = find(AMAZON, [tmp_path / "b"], Search.ONE)
    assert again.plugin is not None
    assert (again.plugin.version, again.unfit) == ("1.8.2", ())
    files = sorted(path.name for path in (tmp_path / "b").rglob("packer-plugin-*"))
    assert files == [taken.path.name, f"{taken.path.name}_SHA256SUM"]
    assert again.plugin.path.samefile(taken.path)


@pytest.mark.parametrize(
    ("wanted", "taken", "refused"),
    [
        ("", ["0.1.0", "9.0.0"], []),
        (">= 1.2.1, < 2.0.0", ["1.2.1", "1.10.0"], ["1.2.0", "2.0.0"]),
        ("~> 1", ["1.0.0", "1.9.9"], ["2.0.0", "0.9.0"]),
        ("~> 1.2", ["1.2.0", "1.9.0"], ["2.0.0", "1.1.0"]),
        ("~> 1.2.3", ["1.2.3", "1.2.9"], ["1.3.0"]),
        ("1.2.3", ["1.2.3"], ["1.2.4"]),
        ("= 1.2.3", ["1.2.3"], ["1.2.4"]),
        ("!= 1.2.3", ["1.2.4"], ["1.2.3"]),
        (">1.2.3,<=1.4", ["1.4.0"], ["1.2.3", "1.4.1"]),
    ],
)
def test_constraints_mean_what_they_mean_to_packer(wanted: str, taken: list[str], refused: list[str]) -> None:
    """Packer documentation, "Version constraint syntax"."""
    asked = Requirement(AMAZON.source, wanted)
    assert [one for one in (*taken, *refused) if asked.takes(Version(one))] == taken


@given(st.text(max_size=12))
def test_any_constraint_is_one(text: str) -> None:
    assert isinstance(Requirement(AMAZON.source, text).takes(Version("1.2.3")), bool)
