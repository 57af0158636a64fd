"""The SSH server as it would answer, not as its files look."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from testinfra.host import Host

    from orchestrator.validate.plugin import Image


_STRICT = {
    "permitrootlogin": "no",
    "passwordauthentication": "no",
    "kbdinteractiveauthentication": "no",
    "permitemptypasswords": "no",
    "hostbasedauthentication": "no",
    "permituserenvironment": "no",
    "authenticationmethods": "publickey",
    "x11forwarding": "no",
    "permittunnel": "no",
    "loglevel": "VERBOSE",
    "usepam": "yes",
}
_WEAK = ("sha1", "md5", "cbc", "3des", "arcfour", "umac-64", "diffie-hellman-group1")


@pytest.fixture(scope="module")
def effective(host: Host) -> dict[str, str]:
    """What sshd works with after all of its files were read."""
    lines = host.check_output("sshd -T").splitlines()
    return dict(line.split(" ", 1) for line in lines if " " in line)


def test_only_keys_open_a_session(effective: dict[str, str]) -> None:
    """No password, no root, no forwarding of displays, whatever cloud-init or the distribution wrote."""
    assert {name: effective[name] for name in _STRICT} == _STRICT


def test_cryptography_is_modern(effective: dict[str, str]) -> None:
    """None of the algorithms that are known to be weak is offered."""
    offered = ",".join(effective[name] for name in ("ciphers", "macs", "kexalgorithms", "hostkeyalgorithms"))
    assert [name for name in offered.split(",") if any(weak in name for weak in _WEAK) or name == "ssh-rsa"] == []


def test_limits_are_the_declared_ones(effective: dict[str, str], image: Image) -> None:
    """Tries, time to log in, and silence."""
    assert int(effective["maxauthtries"]) == int(image.vars.get("hardening_ssh_max_auth_tries", 4))
    assert int(effective["logingracetime"]) == int(image.vars.get("hardening_ssh_login_grace_time", 30))
    assert int(effective["clientaliveinterval"]) == int(image.vars.get("hardening_ssh_client_alive_interval", 300))
    assert int(effective["clientalivecountmax"]) == int(image.vars.get("hardening_ssh_client_alive_count_max", 2))


def test_forwarding_is_as_declared(effective: dict[str, str], image: Image) -> None:
    """Ports and agents are forwarded only where that was asked for."""
    for option in ("allow_tcp_forwarding", "allow_agent_forwarding"):
        wanted = "yes" if image.vars.get(f"hardening_ssh_{option}") else "no"
        assert effective[option.replace("_", "")] == wanted


def test_configuration_is_hidden_from_others(host: Host) -> None:
    """Only root reads it."""
    paths = "/etc/ssh/sshd_config /etc/ssh/sshd_config.d/00-hardening.conf"
    assert host.check_output(f"stat --format '%U:%G %a' {paths}").splitlines() == ["root:root 600"] * 2


def test_server_answers(host: Host) -> None:
    """It starts with the machine, listens, and offers a modern host key."""
    assert host.service("ssh").is_enabled
    assert host.run("ssh-keyscan -T 5 -t ed25519 127.0.0.1").stdout.startswith("127.0.0.1 ssh-ed25519 ")
