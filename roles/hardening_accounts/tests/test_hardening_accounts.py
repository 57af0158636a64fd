"""What an account may do, asked of the programs that decide it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from testinfra.host import Host

    from orchestrator.validate.plugin import Image


def test_new_session_hides_its_files(host: Host, image: Image) -> None:
    """A login of an ordinary user has the declared umask."""
    umask = str(image.vars.get("hardening_accounts_umask", "027"))
    assert host.check_output("su --login --shell /bin/sh nobody -c umask").lstrip("0") == umask.lstrip("0")


def test_idle_shell_closes(host: Host, image: Image) -> None:
    """A login shell knows the time-out, and cannot change it."""
    timeout = int(image.vars.get("hardening_accounts_shell_timeout", 900))
    shown = host.check_output("bash --login -c 'echo ${TMOUT:-0}'")
    assert int(shown) == timeout
    assert timeout == 0 or host.run("bash --login -c 'TMOUT=0'").rc != 0


def test_weak_password_is_refused(host: Host) -> None:
    """The checker says no to a short one and to one of a single kind, and yes to a good one."""
    assert host.run("echo 'Sh0rt!x' | pwscore").rc != 0
    assert host.run("echo 'onlylowercaseletters' | pwscore").rc != 0
    assert host.run("echo 'Kq7-vernal-Otter-92' | pwscore").rc == 0


def test_password_policy(host: Host, image: Image) -> None:
    """New accounts get an expiry and a strong hash, and PAM asks the checker."""
    lines = (line.split() for line in host.check_output("cat /etc/login.defs").splitlines())
    defaults = {line[0]: line[1] for line in lines if len(line) == 2}
    assert int(defaults["PASS_MAX_DAYS"]) == int(image.vars.get("hardening_accounts_password_max_days", 365))
    assert int(defaults["PASS_MIN_DAYS"]) == int(image.vars.get("hardening_accounts_password_min_days", 1))
    assert defaults["ENCRYPT_METHOD"] == "YESCRYPT"
    assert "pam_pwquality.so" in host.check_output("cat /etc/pam.d/common-password")


def test_no_account_is_open(host: Host) -> None:
    """No password is empty, root's is locked, and root is alone with user id 0."""
    passwords = dict(line.split(":")[:2] for line in host.check_output("cat /etc/shadow").splitlines())
    assert [name for name, password in passwords.items() if password == ""] == []
    assert passwords["root"].startswith(("!", "*"))
    assert host.check_output("awk -F: '$3 == 0 {print $1}' /etc/passwd") == "root"


def test_account_files_are_closed(host: Host) -> None:
    """Owner, group and mode of what decides who may do what."""
    paths = "/etc/passwd /etc/group /etc/shadow /etc/gshadow /etc/sudoers.d /root"
    assert host.check_output(f"stat --format '%n %U:%G %a' {paths}").splitlines() == [
        "/etc/passwd root:root 644",
        "/etc/group root:root 644",
        "/etc/shadow root:shadow 640",
        "/etc/gshadow root:shadow 640",
        "/etc/sudoers.d root:root 750",
        "/root root:root 700",
    ]


def test_su_is_for_one_group(host: Host, image: Image) -> None:
    """PAM refuses su to whoever is not a member."""
    group = image.vars.get("hardening_accounts_su_group", "sudo")
    assert f"auth required pam_wheel.so use_uid group={group}" in host.check_output("cat /etc/pam.d/su").splitlines()


def test_sudo_leaves_a_trace(host: Host) -> None:
    """A command through sudo appears in its log, and the rules are sound."""
    assert host.run("visudo --check --quiet").rc == 0
    assert host.run("sudo --non-interactive /bin/echo a-trace-in-the-log").rc == 0
    # The log wraps long lines; a command line of its own stays whole.
    assert "COMMAND=/bin/echo a-trace-in-the-log" in " ".join(host.check_output("cat /var/log/sudo.log").split())


def test_no_core_dumps(host: Host) -> None:
    """Neither sessions nor services may write memory to the disk."""
    assert host.check_output("su --login --shell /bin/sh nobody -c 'ulimit -H -c'") == "0"
    assert host.check_output("systemctl show --property DefaultLimitCORE --value") == "0"
