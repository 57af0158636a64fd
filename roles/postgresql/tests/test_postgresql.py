"""PostgreSQL as a client meets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from testinfra.host import Host

    from orchestrator.validate.suite.plugin import Image


_PSQL = "runuser --user postgres -- psql --no-psqlrc --tuples-only --no-align --command %s"
_SETTINGS = {
    "postgresql_max_connections": ("max_connections", 100),
    "postgresql_shared_buffers": ("shared_buffers", "128MB"),
    "postgresql_work_mem": ("work_mem", "4MB"),
    "postgresql_maintenance_work_mem": ("maintenance_work_mem", "64MB"),
}


def test_server_runs_from_boot_on(host: Host) -> None:
    """The cluster is up, and comes up with the machine."""
    assert host.service("postgresql").is_enabled
    assert host.check_output("pg_lsclusters --no-header").split()[1:4:2] == ["main", "online"]


def test_query_is_answered(host: Host) -> None:
    """The smallest one there is."""
    assert _answer(host, "select 1") == "1"


def test_data_is_written_and_read_back(host: Host) -> None:
    """Text beyond ASCII survives, so the cluster's encoding is right; pages have checksums."""
    statement = (
        "create temporary table t (word text); insert into t values (U&'\\00e9\\4e16'); select length(word) from t"
    )
    assert _answer(host, statement).splitlines()[-1] == "2"
    assert _answer(host, "show server_encoding") == "UTF8"
    assert _answer(host, "show data_checksums") == "on"


@pytest.mark.parametrize("variable", _SETTINGS)
def test_setting_is_in_force(host: Host, image: Image, variable: str) -> None:
    """What was declared, in the server's own words."""
    name, default = _SETTINGS[variable]
    assert _answer(host, f"show {name}") == str(image.vars.get(variable, default))


def test_no_setting_waits_for_a_restart(host: Host) -> None:
    """Files and server agree, and no line of them is wrong."""
    assert _answer(host, "select name from pg_settings where pending_restart") == ""
    assert _answer(host, "select sourcefile, error from pg_file_settings where error is not null") == ""


def test_passwords_are_the_only_way_in_over_tcp(host: Host) -> None:
    """Each rule asks for a SCRAM password, a certificate, or the same user of this machine; none is wrong."""
    rules = _answer(host, "select distinct type, auth_method, error from pg_hba_file_rules").splitlines()
    methods = {"local": {"peer"}, "host": {"scram-sha-256"}, "hostssl": {"scram-sha-256", "cert"}}
    ways = [rule.split("|") for rule in rules]
    assert ways != []
    assert [way for way in ways if way[1] not in {"reject", *methods.get(way[0], ())} or way[2] != ""] == []
    assert _answer(host, "show password_encryption") == "scram-sha-256"


def test_server_listens_only_where_declared(host: Host, image: Image) -> None:
    """On this machine alone, unless more addresses were declared."""
    declared = image.vars.get("postgresql_listen_addresses", ["localhost"])
    addresses = {address.strip() for address in _answer(host, "show listen_addresses").split(",")} - {""}
    assert declared == ["*"] or addresses <= set(declared)
    if declared == ["localhost"]:
        port = image.vars.get("postgresql_port", 5432)
        listening = host.check_output(f"ss --no-header --listening --tcp --numeric 'sport = :{port}'").splitlines()
        assert {line.split()[3] for line in listening} <= {f"127.0.0.1:{port}", f"[::1]:{port}"}
        assert listening or not addresses


def _answer(host: Host, query: str) -> str:
    answer: str = host.check_output(_PSQL, query)
    return answer
