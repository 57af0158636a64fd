from __future__ import annotations

from orchestrator.lab.host.recipe import apt_settings, digest

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
    assert digest(one) == digest(dict(reversed(one.items())))
    assert digest(one) != digest(one | {"etc/b": b"3"})
    assert digest(one) != digest({"etc/a": b"1"})
