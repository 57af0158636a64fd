"""Metrics are there for a collector on this machine, and for nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from testinfra.host import Host

    from orchestrator.validate.suite.plugin import Image


def test_exporter_runs_from_boot_on(host: Host) -> None:
    """Enabled and running."""
    exporter = host.service("prometheus-node-exporter")
    assert exporter.is_enabled
    assert exporter.is_running


def test_metrics_are_served(host: Host, image: Image) -> None:
    """They name this machine and have its memory."""
    metrics = host.check_output(f"curl --fail --silent --max-time 60 http://{_address(image)}/metrics")
    assert f'nodename="{host.check_output("uname --nodename")}"' in metrics
    assert "node_memory_MemTotal_bytes " in metrics


def test_exporter_listens_only_where_declared(host: Host, image: Image) -> None:
    """No other address than the declared one is open on its port."""
    port = _address(image).rpartition(":")[2]
    listening = host.check_output(f"ss --no-header --listening --tcp --numeric 'sport = :{port}'").splitlines()
    assert [line.split()[3] for line in listening] == [_address(image)]


def test_exporter_has_no_privileges(host: Host) -> None:
    """It runs as a user of its own."""
    process = host.check_output("systemctl show prometheus-node-exporter --property MainPID --value")
    assert host.check_output(f"stat --format %U /proc/{process}") == "prometheus"


def _address(image: Image) -> str:
    address = image.vars.get("node_exporter_listen_address", "127.0.0.1")
    return f"{address}:{image.vars.get('node_exporter_port', 9100)}"
