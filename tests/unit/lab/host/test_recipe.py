from __future__ import annotations

from pathlib import Path

from orchestrator.lab.host.recipe import apt_settings, argv, digest
from orchestrator.lab.systems import DEBIAN_12, SYSTEMS, named

DUMP = """\
APT "";
Acquire "";
Acquire::http "";
Acquire::http::Proxy "http://proxy.example:3142";
Acquire::Check-Date "false";
Acquire::Languages "none";
Dir::Cache "var/cache/apt";
"""


def test_only_what_reaches_the_mirrors_is_taken_over_from_this_host() -> None:
    expected = 'Acquire::http::Proxy "http://proxy.example:3142";\nAcquire::Check-Date "false";\n'
    assert apt_settings(DUMP) == expected


def test_a_recipe_is_known_by_its_files() -> None:
    one = {"etc/a": b"1", "etc/b": b"2"}
    assert digest(DEBIAN_12, one) == digest(DEBIAN_12, dict(reversed(one.items())))
    assert digest(DEBIAN_12, one) != digest(DEBIAN_12, one | {"etc/b": b"3"})
    assert digest(DEBIAN_12, one) != digest(DEBIAN_12, {"etc/a": b"1"})


def test_systems_have_roots_of_their_own() -> None:
    assert len({digest(system, {}) for system in SYSTEMS.values()}) == len(SYSTEMS)


def test_a_root_is_made_of_its_release_and_architecture() -> None:
    call = argv(named("debian-13-arm64"), Path("/cache/root.tar"), "/files")
    assert call[-2:] == ["trixie", "/cache/root.tar"]
    assert "--architectures=arm64" in call
    assert "--customize-hook=sync-in /files /" in call
