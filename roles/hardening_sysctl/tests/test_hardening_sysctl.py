"""Kernel parameters and modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from testinfra.host import Host


_FILE = "/etc/sysctl.d/zz-hardening.conf"


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
    assert declared.get(name) == value


def test_file_is_not_overruled(host: Host, declared: dict[str, str]) -> None:
    """Of all files that systemd-sysctl reads, the last word is the role's."""
    assert declared
    lines = host.check_output("systemd-analyze cat-config sysctl.d").splitlines()
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.lstrip().startswith(("#", ";")))
    last = {name.strip().removeprefix("-").replace("/", "."): value.strip() for name, value in pairs}
    assert {name: last.get(name) for name in declared} == declared


def test_kernel_follows_where_it_is_ours(host: Host, declared: dict[str, str]) -> None:
    """On a machine with a kernel of its own every parameter that this kernel has is as declared."""
    if host.run("systemd-detect-virt --quiet --container").rc == 0:
        pytest.skip("the kernel is the host's")
    assert declared
    lines = host.run("sysctl --all 2>/dev/null").stdout.splitlines()
    live = dict(line.split(" = ", 1) for line in lines if " = " in line)
    assert {name: live[name] for name in declared if name in live} == {
        name: value for name, value in declared.items() if name in live
    }


def test_denied_modules_do_not_load(host: Host) -> None:
    """Modprobe would run /bin/false in their place, even where another module asks for them."""
    settings = host.check_output("modprobe --showconfig").splitlines()
    for module in ("cramfs", "dccp", "sctp", "usb_storage"):
        assert f"install {module} /bin/false" in settings
        assert f"blacklist {module}" in settings
