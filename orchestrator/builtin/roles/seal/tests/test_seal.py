"""The hygiene of an image, seen on a machine that booted from it: nothing of the machine it was built on is left."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from testinfra.host import Host

    from orchestrator.validate.suite.plugin import Image


#: What the seal wrote down (roles/seal/tasks/record.yml).
_RECORD = "/var/lib/image-seal"
#: States of units that were to run and do not. `auto-restart`: it failed, and will be started once more.
_BROKEN = "failed,auto-restart"
_AUTHORIZED = "cat /root/.ssh/authorized_keys /home/*/.ssh/authorized_keys 2>/dev/null"

# Systemd's start is the machine's: older files came with the image.
_BOOT = '"$(systemctl show --property UserspaceTimestamp --value)"'

# `first LOG` prints the first time in a log, for `date`; nothing when the log has none of these forms:
# 2026-01-31T12:00:00Z, 2026/01/31 12:00:00, 31/Jan/2026:12:00:00 +0000, Sat, 31 Jan 2026 12:00:00, Jan 31 12:00:00,
# audit's seconds, and the records of logins.
FIRST_TIME = r"""
month='(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)'
clock='[0-9]{2}:[0-9]{2}:[0-9]{2}'
zone='([.,][0-9]+)?( ?(UTC|Z|[+-][0-9]{2}:?[0-9]{2}))?'
times="[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}(T| {1,2})$clock$zone|audit\([0-9]+"
times="$times|[0-9]{1,2}[ /]$month[ /][0-9]{4}[ :]$clock$zone|$month [ 0-9]?[0-9] $clock( [0-9]{4})?"

# Where the time of a login stands in wtmp (utmp(5)), and in which records in lastlog. Of 64 bits on arm64.
case $(uname -m) in
aarch64) login='-t d8 -j 344 -N 8' last='-t d8 -w296' ;;
*) login='-t d4 -j 340 -N 4' last='-t d4 -w292' ;;
esac

first() {
    case $1 in
    */wtmp | */btmp) od -A n $login "$1" | sed 's/ */@/' ;;
    */lastlog) od -A n -v $last "$1" | awk '$1 > 0 { print "@" $1 }' | sort | head -n 1 ;;
    *) head -c 65536 "$1" | LC_ALL=C grep -aoE "$times" | head -n 1 | sed '
        s/^audit(/@/; s/[.,][0-9]*//; s|^\([0-9]*\)/\([A-Z][a-z]*\)/|\1 \2 |; s/\( [0-9]\{4\}\):/\1 /' ;;
    esac
}
"""

# Logs whose first time is before the boot. The time of the file itself says nothing, since it is that of the last line.
# Logs without a time that is known above are not judged, and neither is the journal, which is kept by machine id.
_OLD_LOGS = rf"""
{FIRST_TIME}
boot=$(date --date {_BOOT} +%s)
find /var/log -type f -size +0 ! -path '/var/log/journal/*' | while read -r log; do
    time=$(first "$log")
    [ -n "$time" ] || continue
    # cloud-init's own are in UTC, wherever the machine is.
    case $log in */cloud-init*) TZ=UTC; export TZ ;; *) unset TZ ;; esac
    second=$(date --date "$time" +%s) && [ "$second" -lt "$boot" ] && echo "$log begins with $time"
done
:
"""

# Ids and host names of EC2's that cloud-init was not told of this machine. They are looked for where programs write by
# themselves, and not in what roles configure and install, which may name any machine: a peer, or a manual's example.
# Names in logs do not count for the same reason.
_OTHER_MACHINES = r"""
known=/run/cloud-init/instance-data.json
[ -s "$known" ] || { echo "$known is missing"; exit; }
written='etc/cloud etc/hostname etc/hosts etc/mailname etc/netplan etc/network etc/resolv.conf etc/ssh etc/ssl
    home root var/backups var/cache var/crash var/lib var/mail var/spool var/tmp'
for installed in docker containerd containers node_modules site-packages dist-packages snapd; do
    not="$not --exclude-dir=$installed"
done

cd /
{
    LC_ALL=C grep -aroE $not '\bip-([0-9]{1,3}-){3}[0-9]{1,3}\b' $written
    LC_ALL=C grep -aroE $not --exclude-dir=journal '\bi-[0-9a-f]{17}\b' $written var/log
} 2>/dev/null | sort -u | while IFS=: read -r file name; do
    grep -qwF -- "$name" "$known" || echo "/$file names $name"
done
:
"""


def test_image_says_its_name(host: Host, image: Image) -> None:
    """The name is this image's, not that of the one it was built on."""
    assert f'IMAGE_NAME="{image.name}"' in host.check_output("cat /etc/image-release").splitlines()


def test_machine_was_cleaned_to_the_end(host: Host) -> None:
    """The last step of the seal removes its mark; a mark that is still there says what went wrong."""
    assert host.run("cat /var/lib/image-not-sealed 2>/dev/null").stdout == ""


def test_nothing_names_another_machine(host: Host) -> None:
    """Nothing that was written by itself holds the id or the host name of another machine of EC2's."""
    others = host.check_output(_OTHER_MACHINES).splitlines()
    assert others == []


def test_host_keys_are_of_this_boot(host: Host) -> None:
    """There are some, and none came with the image."""
    assert host.check_output("find /etc/ssh -name 'ssh_host_*_key'") != ""
    assert _came_with_the_image(host, "/etc/ssh -name 'ssh_host_*'") == []


def test_machine_id_is_of_this_boot(host: Host) -> None:
    """It was made here, and the journal knows no other."""
    machine = host.check_output("cat /etc/machine-id")
    assert len(machine) == len("0123456789abcdef") * 2
    assert _came_with_the_image(host, "/etc/machine-id") == []
    assert host.run("ls /var/log/journal").stdout.split() in ([], [machine])


def test_cloud_init_knows_this_instance_only(host: Host) -> None:
    """One instance, whose record is of this boot."""
    instances = host.check_output("ls /var/lib/cloud/instances").split()
    assert instances == [host.check_output("cat /var/lib/cloud/data/instance-id")]
    assert _came_with_the_image(host, "/var/lib/cloud -type f -path '*instances*'") == []


def test_builds_keys_do_not_open_it(host: Host) -> None:
    """No authorised key is one that opened the machine it was built on, unless this machine was launched with it."""
    given = host.check_output("cloud-init query --all")
    build = host.run(f"cat {_RECORD}/keys").stdout.split()
    keys = {word for line in host.run(_AUTHORIZED).stdout.splitlines() for word in line.split()}
    assert [key for key in keys if hashlib.sha256(key.encode()).hexdigest() in build and key not in given] == []


def test_units_that_ran_have_not_failed(host: Host) -> None:
    """What ran before the seal runs again: nothing that a service needs was removed with the traces of the build."""
    failed = host.check_output(f"systemctl list-units --all --plain --no-legend --no-pager --state={_BROKEN}").split(
        "\n"
    )
    ran = host.run(f"cat {_RECORD}/running").stdout.split()
    broken = [unit for unit in ran if any(line.startswith(f"{unit} ") for line in failed)]
    log = host.run(f"journalctl --boot --no-pager --lines 5 --unit {' --unit '.join(broken)}").stdout if broken else ""
    removed = host.run(f"cat {_RECORD}/removed").stdout
    assert broken == [], f"{log}\nremoved when the image was sealed:\n{removed}"


def test_nobody_left_a_history(host: Host) -> None:
    """No commands, nothing of Ansible, nothing in the folder for what is temporary."""
    patterns = "-name '.*_history' -o -name .ansible_async -o -name .lesshst -o -name .viminfo -o -name .wget-hsts"
    homes = "/root /home /var/lib/postgresql"
    assert host.run(f"find {homes} -maxdepth 2 \\( {patterns} \\) 2>/dev/null").stdout == ""
    assert host.run("ls -d /root/.ansible/tmp /home/*/.ansible/tmp 2>/dev/null").stdout == ""
    assert _came_with_the_image(host, "/tmp -mindepth 1") == []
    assert host.run("find / -xdev -name 'ansible_mitogen*' 2>/dev/null").stdout == ""
    assert host.run("find /var/tmp -name 'ansible-*' 2>/dev/null").stdout == ""


def test_logs_begin_with_this_boot(host: Host) -> None:
    """What came with the image is empty, and nothing was rotated."""
    assert _came_with_the_image(host, "/var/log -type f -size +0") == []
    old = host.check_output(_OLD_LOGS).splitlines()
    assert old == []
    assert host.check_output("find /var/log -type f \\( -name '*.gz' -o -name '*.[0-9]' \\)") == ""


def test_logs_are_small(host: Host) -> None:
    """Less than 32 MB after a boot, the journal's first files included."""
    assert int(host.check_output("du --summarize --block-size=1M /var/log").split()[0]) < 32


def test_package_cache_is_empty(host: Host) -> None:
    """No lists and no downloads; the lists' folder is so old that whoever builds on this fetches them."""
    remains = "find /var/lib/apt/lists /var/cache/apt/archives -type f ! -name lock"
    assert host.check_output(remains) == ""
    assert int(host.check_output("stat --format %Y /var/lib/apt/lists")) < 1_000_000_000


def test_settings_of_the_build_are_gone(host: Host) -> None:
    """Packages are installed safely again, and the index of manual pages follows them."""
    remains = "/etc/apt/apt.conf.d/99image-build /etc/sudoers.d/99image-build /var/lib/man-db/auto-update.held"
    assert host.run(f"ls {remains} 2>/dev/null").stdout == ""
    assert host.run("apt-config dump 2>/dev/null | grep -i unsafe-io").stdout == ""


@pytest.mark.parametrize(
    "paths",
    [
        "/etc/ssl/private /etc/ssl/certs -name 'ssl-cert-snakeoil*'",
        "/var/lib/systemd/credential.secret /var/lib/systemd/random-seed",
        "/var/lib/dhcp /var/lib/dhclient -type f",
        "/var/lib/amazon/ssm -name 'i-*'",
        "/var/lib/chrony -type f",
    ],
)
def test_identity_is_of_this_boot(host: Host, paths: str) -> None:
    """Private keys, seeds, leases and registrations were made here, if there are any."""
    assert _came_with_the_image(host, paths) == []


def _came_with_the_image(host: Host, search: str) -> list[str]:
    # A folder that is not there is not a finding, so find's own complaints do not count.
    found: list[str] = host.run(f"find {search} ! -newermt {_BOOT} 2>/dev/null").stdout.splitlines()
    return found
