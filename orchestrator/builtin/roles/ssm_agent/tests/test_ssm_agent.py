"""The agent through which this very test may be running."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from testinfra.host import Host


def test_agent_is_installed_whole(host: Host) -> None:
    """The package is installed and its files are as it brought them."""
    assert host.package("amazon-ssm-agent").is_installed
    assert host.check_output("dpkg --verify amazon-ssm-agent") == ""


def shown(host: Host, *units: str) -> dict[str, int]:
    """Numbers that systemd has of a unit, or of itself: how often it was started again, and moments in microseconds."""
    names = "NRestarts,InactiveEnterTimestampMonotonic,ExecMainStartTimestampMonotonic,UserspaceTimestampMonotonic"
    said = host.check_output(" ".join(("systemctl show", f"--property={names}", *units)))
    return {name: int(value) for name, _, value in (line.partition("=") for line in said.splitlines())}


def test_agent_runs_from_boot_on(host: Host) -> None:
    """Enabled, running, and not in a loop of restarts.

    One restart is no fault: an agent that starts before the metadata service can be reached ends, and systemd starts it
    again. Then it has to stay for longer than it can have the first time.
    """
    agent = host.service("amazon-ssm-agent")
    assert agent.is_enabled
    assert agent.is_running
    booted = shown(host)["UserspaceTimestampMonotonic"]
    while (unit := shown(host, "amazon-ssm-agent"))["NRestarts"] == 1:
        uptime = float(host.check_output("cut -d ' ' -f 1 /proc/uptime")) * 1_000_000
        if uptime - unit["ExecMainStartTimestampMonotonic"] > unit["InactiveEnterTimestampMonotonic"] - booted:
            break
        time.sleep(2)
    assert unit["NRestarts"] <= 1


def test_agent_runs_as_root(host: Host) -> None:
    """Run Command works as root, so the agent must."""
    process = host.check_output("systemctl show amazon-ssm-agent --property MainPID --value")
    assert host.check_output(f"stat --format %U /proc/{process}") == "root"
