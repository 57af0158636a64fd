"""The common set is there, the unwanted is not, and nothing waits for an upgrade."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from testinfra.host import Host

    from orchestrator.validate.suite.plugin import Image


_PRESENT = ["ca-certificates", "curl", "gnupg", "jq", "less", "logrotate", "lsof", "unzip"]


def test_common_set_is_installed(host: Host, image: Image) -> None:
    """Every package of the common set is wholly installed."""
    wanted = image.vars.get("packages_present", _PRESENT)
    installed = host.check_output("dpkg-query --show --showformat '${db:Status-Abbrev}${Package}\\n'").splitlines()
    assert [name for name in wanted if f"ii {name}" not in installed] == []


def test_unwanted_packages_are_absent(host: Host, image: Image) -> None:
    """Neither installed nor left as configuration."""
    known = host.check_output("dpkg-query --show --showformat '${Package}\\n'").splitlines()
    unwanted = image.vars.get("packages_absent", ["inetutils-telnet", "rsh-client", "telnet", "xinetd"])
    assert [name for name in unwanted if name in known] == []


def test_clear_text_clients_cannot_be_started(host: Host) -> None:
    """Whatever package would bring them."""
    assert [name for name in ("telnet", "rsh", "rlogin") if host.exists(name)] == []


def test_package_database_is_whole(host: Host) -> None:
    """No package is half installed or lacks what it depends on."""
    assert host.check_output("dpkg --audit") == ""
    assert host.run("apt-get check").rc == 0


def test_common_tools_work(host: Host) -> None:
    """A question to the tools themselves."""
    assert host.check_output("""echo '{"a": [1, 2]}' | jq -c .a""") == "[1,2]"
