"""What the audit daemon records."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from testinfra.host import Host

    from orchestrator.validate.suite.plugin import Image


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
    """Writes and changes of attributes are recorded, with a key to search for."""
    watches = image.vars.get("audit_watches")
    if watches is not None and path not in [watch["path"] for watch in watches]:
        pytest.skip("not declared for this image")
    assert _watches(rules, path) != []


def test_rules_are_locked_last(rules: list[str], image: Image) -> None:
    """Nobody switches recording off before the next boot."""
    assert rules[-1:] == ["-e 2"] or not image.vars.get("audit_immutable", True)


def test_rules_are_what_the_kernel_has(host: Host) -> None:
    """On a machine with a kernel of its own the rules are loaded."""
    if host.run("systemd-detect-virt --quiet --container").rc == 0:
        pytest.skip("the kernel is the host's")
    assert _watches(host.check_output("auditctl -l").splitlines(), "/etc/passwd") != []


def test_logs_cannot_fill_the_disk(host: Host, image: Image) -> None:
    """They rotate, or the machine stops before the disk is full. As much is kept as declared, out of others' sight."""
    lines = (line.split(" = ") for line in host.check_output("cat /etc/audit/auditd.conf").splitlines())
    settings = {line[0]: line[1] for line in lines if len(line) == 2}
    if settings["max_log_file_action"].lower() == "keep_logs":
        assert settings["admin_space_left_action"].lower() in {"single", "halt"}
    else:
        assert settings["max_log_file_action"].lower() == "rotate"
        declared = int(image.vars.get("audit_log_file_size", 8)) * int(image.vars.get("audit_log_files", 5))
        assert int(settings["max_log_file"]) * int(settings["num_logs"]) >= declared
    assert host.file("/var/log/audit").mode & 0o007 == 0


def _watches(rules: list[str], path: str) -> list[str]:
    """The rules that record at least writes and changes of attributes of a path: auditctl(8), in both of its forms."""
    return [rule for rule in rules if _is_watch(rule.split(), path)]


def _is_watch(words: list[str], path: str) -> bool:
    options = dict(zip(words[::2], words[1::2], strict=False))
    fields = dict(word.partition("=")[::2] for word in words if "=" in word)
    if options.get("-w") == path:
        return set("wa") <= set(options.get("-p", "rwxa")) and "-k" in options
    is_named = path in {fields.get("path"), fields.get("dir")}
    return is_named and "always" in options.get("-a", "") and set("wa") <= set(fields.get("perm", "rwxa"))
