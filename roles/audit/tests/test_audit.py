"""What the audit daemon records."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from testinfra.host import Host

    from orchestrator.validate.plugin import Image


@pytest.fixture(scope="module")
def rules(host: Host) -> list[str]:
    """The compiled rules, in the order in which boot loads them."""
    lines = host.run("cat /etc/audit/audit.rules").stdout.splitlines()
    return [line for line in lines if line.startswith("-")]


def test_daemon_is_installed_and_enabled(host: Host) -> None:
    """It runs from boot on, but in a container: there the kernel's audit is the host's, and the unit is skipped."""
    assert host.package("auditd").is_installed
    daemon = host.service("auditd")
    assert daemon.is_enabled
    if host.run("systemd-detect-virt --quiet --container").rc == 0:
        assert host.run("systemctl is-failed auditd").stdout.strip() == "inactive"
    else:
        assert daemon.is_running


def test_rules_are_those_that_boot_will_load(host: Host) -> None:
    """The compiled file follows from the rules' sources."""
    assert "No change" in host.check_output("augenrules --check")


@pytest.mark.parametrize("path", ["/etc/passwd", "/etc/shadow", "/etc/sudoers.d", "/etc/ssh/sshd_config"])
def test_change_is_watched(rules: list[str], image: Image, path: str) -> None:
    """Writes and changes of attributes are recorded with the declared key."""
    watches = image.vars.get("audit_watches")
    if watches is not None and path not in [watch["path"] for watch in watches]:
        pytest.skip("not declared for this image")
    assert [rule for rule in rules if rule.startswith(f"-w {path} -p wa -k ")] != []


def test_rules_are_locked_last(rules: list[str], image: Image) -> None:
    """Nobody switches recording off before the next boot."""
    assert (rules[-1:] == ["-e 2"]) is bool(image.vars.get("audit_immutable", True))


def test_rules_are_what_the_kernel_has(host: Host) -> None:
    """On a machine with a kernel of its own the rules are loaded."""
    if host.run("systemd-detect-virt --quiet --container").rc == 0:
        pytest.skip("the kernel is the host's")
    assert "-w /etc/passwd -p wa -k identity" in host.check_output("auditctl -l").splitlines()


def test_logs_cannot_fill_the_disk(host: Host, image: Image) -> None:
    """They rotate at the declared size and number, and others cannot read them."""
    lines = (line.split(" = ") for line in host.check_output("cat /etc/audit/auditd.conf").splitlines())
    settings = {line[0]: line[1] for line in lines if len(line) == 2}
    assert settings["max_log_file_action"] == "ROTATE"
    assert int(settings["max_log_file"]) == int(image.vars.get("audit_log_file_size", 8))
    assert int(settings["num_logs"]) == int(image.vars.get("audit_log_files", 5))
    assert host.file("/var/log/audit").mode & 0o007 == 0
