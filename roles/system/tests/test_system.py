"""A machine that knows its time, place and limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from testinfra.host import Host

    from orchestrator.validate.suite.plugin import Image


def test_clock_is_kept_by_amazon_time_sync(host: Host, image: Image) -> None:
    """Chrony reads its configuration, asks the declared servers, and listens to nobody."""
    servers = image.vars.get("system_time_servers", ["169.254.169.123"])
    configured = host.check_output("chronyd -p -f /etc/chrony/chrony.conf")
    for server in servers:
        assert f"server {server} iburst" in configured
    assert "pool" not in configured
    assert "cmdport 0" in configured


def test_clock_is_kept_from_boot_on(host: Host) -> None:
    """The unit is enabled; it runs wherever the clock may be set, which a container may not."""
    service = host.service("chrony")
    assert service.is_enabled
    contained = host.run("systemd-detect-virt --quiet --container").rc == 0
    assert service.is_running or contained


def test_time_zone_and_locale(host: Host, image: Image) -> None:
    """Both are the declared ones."""
    zone = image.vars.get("system_timezone", "Etc/UTC")
    assert host.check_output("readlink /etc/localtime") == f"/usr/share/zoneinfo/{zone}"
    locale = image.vars.get("system_locale", "C.UTF-8")
    lines = host.file("/etc/default/locale").content_string.splitlines()
    assert [line for line in lines if not line.startswith("#")] == [f"LANG={locale}"]


def test_journal_is_kept_and_limited(host: Host, image: Image) -> None:
    """The journal survives a reboot and cannot fill the disk."""
    settings = host.check_output("systemd-analyze cat-config systemd/journald.conf")
    assert "\nStorage=persistent" in settings
    assert f"\nSystemMaxUse={image.vars.get('system_journal_max_use', '256M')}" in settings
    assert "\nMaxRetentionSec=" in settings


def test_packages_change_by_themselves_only_when_declared(host: Host, image: Image) -> None:
    """Apt's own settings and its timers agree with the declared policy."""
    unattended = bool(image.vars.get("system_unattended_upgrades", False))
    periodic = host.check_output("apt-config dump APT::Periodic::Unattended-Upgrade")
    assert periodic == f'APT::Periodic::Unattended-Upgrade "{int(unattended)}";'
    timers = host.run("systemctl is-enabled apt-daily.timer apt-daily-upgrade.timer").stdout.split()
    assert timers == ["enabled" if unattended else "disabled"] * 2


def test_banner_is_shown_before_login(host: Host, image: Image) -> None:
    """There is a banner, the declared one if one was declared, and it does not tell what runs here."""
    banner = host.check_output("cat /etc/issue.net")
    assert banner.strip() != ""
    assert image.vars.get("system_login_banner", "").strip() in banner
    assert [word for word in ("Debian", "\\m", "\\r", "\\s", "\\v") if word in banner] == []


def test_image_is_named_after_login(host: Host, image: Image) -> None:
    """The message of the day names the image that this machine runs."""
    assert host.check_output("/etc/update-motd.d/10-image").startswith(f"Image {image.name} ")
