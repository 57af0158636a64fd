"""The front answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from testinfra.host import Host


def test_haproxy_runs_from_boot_on(host: Host) -> None:
    """Enabled and running."""
    assert host.service("haproxy").is_enabled
    assert host.service("haproxy").is_running


def test_front_answers(host: Host) -> None:
    """It says that it is alive, with no server behind it."""
    assert "200 OK" in host.check_output("curl --silent --include --max-time 10 http://127.0.0.1:8080/alive")
