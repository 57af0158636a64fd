"""Kernel parameters and modules: at least as strict as declared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from testinfra.host import Host


_FILE = "/etc/sysctl.d/zz-hardening.conf"

#: Values from lax to strict (Linux kernel, "Documentation for /proc/sys", and ip-sysctl). Of other parameters it is not
#: known which value is stricter.
_LAX_TO_STRICT = {
    "protected_fifos": "012",
    "protected_hardlinks": "01",
    "protected_regular": "012",
    "protected_symlinks": "01",
    "suid_dumpable": "120",
    "dmesg_restrict": "01",
    "kptr_restrict": "012",
    "perf_event_paranoid": "01234",
    "randomize_va_space": "012",
    "sysrq": "10",
    "unprivileged_bpf_disabled": "021",
    "ptrace_scope": "0123",
    "bpf_jit_harden": "012",
    "accept_redirects": "10",
    "accept_source_route": "10",
    "secure_redirects": "10",
    "send_redirects": "10",
    "log_martians": "01",
    "rp_filter": "021",
    "icmp_echo_ignore_broadcasts": "01",
    "icmp_ignore_bogus_error_responses": "01",
    "tcp_rfc1337": "01",
    "tcp_syncookies": "012",
}


def _laxer(found: dict[str, str], declared: dict[str, str]) -> dict[str, str]:
    """The parameters that are laxer than declared, or missing, with what was found."""

    def is_as_strict(name: str, value: str, wanted: str) -> bool:
        order = [*_LAX_TO_STRICT.get(name.rpartition(".")[2], "")]
        both_are_known = value in order and wanted in order
        return value == wanted or (both_are_known and order.index(value) >= order.index(wanted))

    return {
        name: found.get(name, "missing")
        for name, wanted in declared.items()
        if not is_as_strict(name, found.get(name, "missing"), wanted)
    }


@pytest.fixture(scope="module")
def declared(host: Host) -> dict[str, str]:
    """The parameters as the role's file sets them."""
    lines = host.run(f"cat {_FILE}").stdout.splitlines()
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, value in pairs}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kernel.randomize_va_space", "2"),
        ("kernel.kptr_restrict", "2"),
        ("kernel.yama.ptrace_scope", "1"),
        ("fs.suid_dumpable", "0"),
        ("net.ipv4.conf.all.accept_redirects", "0"),
        ("net.ipv4.conf.all.accept_source_route", "0"),
        ("net.ipv4.tcp_syncookies", "1"),
        ("net.ipv6.conf.all.accept_redirects", "0"),
    ],
)
def test_parameter_is_set_at_boot(declared: dict[str, str], name: str, value: str) -> None:
    """The file says what must hold on every image."""
    assert _laxer(declared, {name: value}) == {}


def test_file_is_not_overruled(host: Host, declared: dict[str, str]) -> None:
    """Of all files that systemd-sysctl reads, the last word is the role's, or is stricter."""
    assert declared
    lines = host.check_output("systemd-analyze cat-config sysctl.d").splitlines()
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.lstrip().startswith(("#", ";")))
    last = {name.strip().removeprefix("-").replace("/", "."): value.strip() for name, value in pairs}
    assert _laxer(last, declared) == {}


def test_kernel_follows_where_it_is_ours(host: Host, declared: dict[str, str]) -> None:
    """On a machine with a kernel of its own every parameter that this kernel has is at least as strict."""
    if host.run("systemd-detect-virt --quiet --container").rc == 0:
        pytest.skip("the kernel is the host's")
    assert declared
    lines = host.run("sysctl --all 2>/dev/null").stdout.splitlines()
    live = dict(line.split(" = ", 1) for line in lines if " = " in line)
    assert _laxer(live, {name: value for name, value in declared.items() if name in live}) == {}


def test_denied_modules_do_not_load(host: Host) -> None:
    """Modprobe would run /bin/false in their place, even where another module asks for them."""
    settings = host.check_output("modprobe --showconfig").splitlines()
    for module in ("cramfs", "dccp", "sctp", "usb_storage"):
        assert f"install {module} /bin/false" in settings
        assert f"blacklist {module}" in settings
