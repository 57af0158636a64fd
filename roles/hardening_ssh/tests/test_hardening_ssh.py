"""The SSH server as it would answer, not as its files look: at least as strict as declared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from testinfra.host import Host

    from orchestrator.validate.suite.plugin import Image


_STRICT = {
    "permitrootlogin": "no",
    "passwordauthentication": "no",
    "permitemptypasswords": "no",
    "hostbasedauthentication": "no",
    "permituserenvironment": "no",
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
    """No password, no root, no forwarding of displays, whatever cloud-init or the distribution wrote.

    Something may be asked for besides the key, as a second factor.
    """
    assert {name: effective[name] for name in _STRICT} == _STRICT
    ways = [way.split(",") for way in effective["authenticationmethods"].split()]
    assert [way for way in ways if "publickey" not in way] == []
    assert effective["kbdinteractiveauthentication"] == "no" or all(len(way) > 1 for way in ways)


def test_cryptography_is_modern(effective: dict[str, str]) -> None:
    """None of the algorithms that are known to be weak is offered."""
    offered = ",".join(effective[name] for name in ("ciphers", "macs", "kexalgorithms", "hostkeyalgorithms"))
    assert [name for name in offered.split(",") if any(weak in name for weak in _WEAK) or name == "ssh-rsa"] == []


def test_limits_are_no_wider_than_declared(effective: dict[str, str], image: Image) -> None:
    """Tries, time to log in, and how long a silent client is waited for; for sshd 0 is no limit."""

    def declared(name: str, default: int) -> int:
        return int(image.vars.get(f"hardening_ssh_{name}", default))

    assert int(effective["maxauthtries"]) <= declared("max_auth_tries", 4)
    silence = declared("client_alive_interval", 300) * declared("client_alive_count_max", 2)
    found = int(effective["clientaliveinterval"]) * int(effective["clientalivecountmax"])
    assert silence == 0 or 0 < found <= silence
    grace = declared("login_grace_time", 30)
    assert grace == 0 or 0 < int(effective["logingracetime"]) <= grace


def test_forwarding_is_no_wider_than_declared(effective: dict[str, str], image: Image) -> None:
    """Ports and agents are forwarded only where that was asked for."""
    for option in ("allow_tcp_forwarding", "allow_agent_forwarding"):
        assert image.vars.get(f"hardening_ssh_{option}") or effective[option.replace("_", "")] == "no"


def test_configuration_is_hidden_from_others(host: Host) -> None:
    """Only root reads it."""
    paths = "/etc/ssh/sshd_config /etc/ssh/sshd_config.d/00-hardening.conf"
    found = [line.split() for line in host.check_output(f"stat --format '%U:%G %a' {paths}").splitlines()]
    assert [owner for owner, _ in found] == ["root:root"] * 2
    assert [mode for _, mode in found if int(mode, 8) & ~0o600] == []


def test_server_answers(host: Host) -> None:
    """It starts with the machine, listens, and offers a modern host key."""
    assert host.service("ssh").is_enabled
    keys = [line.split() for line in host.run("ssh-keyscan -T 60 -t ed25519,ecdsa 127.0.0.1").stdout.splitlines()]
    assert [key[1] for key in keys if key[1] == "ssh-ed25519" or key[1].startswith("ecdsa-sha2-")] != []
