"""What an account may do, asked of the programs that decide it: no more than was declared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from testinfra.host import Host

    from orchestrator.validate.suite.plugin import Image


#: The group that a file may have besides root's, and the mode of which it has a part.
_OPEN = {
    "/etc/passwd": ("root", 0o644),
    "/etc/group": ("root", 0o644),
    "/etc/shadow": ("shadow", 0o640),
    "/etc/gshadow": ("shadow", 0o640),
    "/etc/sudoers.d": ("root", 0o750),
    "/root": ("root", 0o700),
}
#: A rule of PAM of which no later one can make good that it failed.
_MUST = ("required", "requisite")


def test_new_session_hides_its_files(host: Host, image: Image) -> None:
    """A login of an ordinary user takes away at least what the declared umask does."""
    umask = int(str(image.vars.get("hardening_accounts_umask", "027")), 8)
    assert int(host.check_output("su --login --shell /bin/sh nobody -c umask"), 8) & umask == umask


def test_idle_shell_closes(host: Host, image: Image) -> None:
    """A login shell knows a time-out that is no longer than the declared one, and cannot change it."""
    timeout = int(image.vars.get("hardening_accounts_shell_timeout", 900))
    if timeout == 0:
        pytest.skip("no time-out is declared")
    assert 0 < int(host.check_output("bash --login -c 'echo ${TMOUT:-0}'")) <= timeout
    assert host.run("bash --login -c 'TMOUT=0'").rc != 0


def test_weak_password_is_refused(host: Host) -> None:
    """The checker says no to a short one and to one of a single kind, and yes to one that any policy takes."""
    assert host.run("echo 'Sh0rt!x' | pwscore").rc != 0
    assert host.run("echo 'onlylowercaseletters' | pwscore").rc != 0
    assert host.run("echo 'Kq7-vernal-Otter-92/Umbra.quill+38' | pwscore").rc == 0


def test_password_policy(host: Host, image: Image) -> None:
    """New accounts get an expiry at least as short as declared, and a strong hash; PAM asks the checker."""
    lines = (line.split() for line in host.check_output("cat /etc/login.defs").splitlines())
    defaults = {line[0]: line[1] for line in lines if len(line) == 2}
    assert 0 < int(defaults["PASS_MAX_DAYS"]) <= int(image.vars.get("hardening_accounts_password_max_days", 365))
    assert int(defaults["PASS_MIN_DAYS"]) >= int(image.vars.get("hardening_accounts_password_min_days", 1))
    assert defaults["ENCRYPT_METHOD"] == "YESCRYPT"
    assert "pam_pwquality.so" in host.check_output("cat /etc/pam.d/common-password")


def test_no_account_is_open(host: Host) -> None:
    """No password is empty, root's is locked, and root is alone with user id 0."""
    passwords = dict(line.split(":")[:2] for line in host.check_output("cat /etc/shadow").splitlines())
    assert [name for name, password in passwords.items() if password == ""] == []
    assert passwords["root"].startswith(("!", "*"))
    assert host.check_output("awk -F: '$3 == 0 {print $1}' /etc/passwd") == "root"


def test_account_files_are_closed(host: Host) -> None:
    """What decides who may do what is root's, and open to nobody to whom it need not be."""
    found = [line.split() for line in host.check_output(f"stat --format '%n %U %G %a' {' '.join(_OPEN)}").splitlines()]
    assert [name for name, *_ in found] == [*_OPEN]
    for name, owner, group, mode in found:
        other_group, most = _OPEN[name]
        assert (name, owner) == (name, "root")
        assert (name, group in {"root", other_group}) == (name, True)
        assert (name, oct(int(mode, 8) & ~most)) == (name, oct(0))


def test_su_is_for_one_group(host: Host, image: Image) -> None:
    """PAM refuses su to whoever is not a member of it, or of one that has no other members."""
    lines = [line.split() for line in host.check_output("cat /etc/pam.d/su").splitlines()]
    rules = [line for line in lines if line[:1] == ["auth"] and line[1] in _MUST and line[2] == "pam_wheel.so"]
    options = {option for rule in rules for option in rule[3:]}
    assert "use_uid" in options
    assert options.isdisjoint({"deny", "trust"})
    (group,) = (option.removeprefix("group=") for option in options if option.startswith("group="))
    declared = str(image.vars.get("hardening_accounts_su_group", "sudo"))
    assert group == declared or _members(host, group) <= _members(host, declared)


def test_sudo_leaves_a_trace(host: Host) -> None:
    """A command through sudo appears in its log, and the rules are sound."""
    assert host.run("visudo --check --quiet").rc == 0
    command = "sudo --non-interactive /bin/echo a-trace-in-the-log"
    # Where sudo demands a terminal (`requiretty`), it gets one.
    assert host.run(f"{command} || script --quiet --return --command '{command}' /dev/null").rc == 0
    # The log wraps long lines; a command line of its own stays whole.
    assert "COMMAND=/bin/echo a-trace-in-the-log" in " ".join(host.check_output("cat /var/log/sudo.log").split())


def test_no_core_dumps(host: Host) -> None:
    """Neither sessions nor services may write memory to the disk."""
    assert host.check_output("su --login --shell /bin/sh nobody -c 'ulimit -H -c'") == "0"
    assert host.check_output("systemctl show --property DefaultLimitCORE --value") == "0"


def _members(host: Host, group: str) -> set[str]:
    return set(filter(None, host.check_output("getent group %s", group).rpartition(":")[2].split(",")))
