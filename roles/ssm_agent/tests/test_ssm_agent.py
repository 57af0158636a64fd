"""The agent through which this very test may be running."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from testinfra.host import Host


def test_agent_is_installed_whole(host: Host) -> None:
    """The package is installed and its files are as it brought them."""
    assert host.package("amazon-ssm-agent").is_installed
    assert host.check_output("dpkg --verify amazon-ssm-agent") == ""


def test_agent_runs_from_boot_on(host: Host) -> None:
    """Enabled, running, and not in a loop of restarts."""
    agent = host.service("amazon-ssm-agent")
    assert agent.is_enabled
    assert agent.is_running
    assert host.check_output("systemctl show amazon-ssm-agent --property NRestarts --value") == "0"


def test_agent_runs_as_root(host: Host) -> None:
    """Run Command works as root, so the agent must."""
    process = host.check_output("systemctl show amazon-ssm-agent --property MainPID --value")
    assert host.check_output(f"stat --format %U /proc/{process}") == "root"
