"""The tests of shipped roles ask for "at least as strict": a stricter machine passes them, and a laxer one fails.

A workload may harden further what golden's layers have set. The machines here are what their programs would say.
"""

from __future__ import annotations

import inspect
import runpy
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROLES = Path(__file__).parents[3] / "roles"


@dataclass(frozen=True)
class Said:
    """A machine that says this to commands, of which each is known by a part of it; what it is not told, it refuses."""

    answers: Mapping[str, str]
    modes: Mapping[str, int] = field(default_factory=dict)

    def run(self, command: str, *args: str) -> SimpleNamespace:
        line = command % args if args else command
        found = [answer for part, answer in self.answers.items() if part in line]
        return SimpleNamespace(stdout=found[0] if found else "", rc=0 if found else 1)

    def check_output(self, command: str, *args: str) -> str:
        said = self.run(command, *args)
        assert said.rc == 0, command
        return str(said.stdout).rstrip("\n")

    def file(self, path: str) -> SimpleNamespace:
        return SimpleNamespace(mode=self.modes[path])

    def service(self, _: str) -> SimpleNamespace:
        return SimpleNamespace(is_enabled=True, is_running=True)


def holds(
    role: str, name: str, answers: Mapping[str, str], *, given: Mapping[str, Any] | None = None, **more: Any
) -> bool:
    """Whether a test of a role passes on a machine that says so. `given` are the role's variables."""
    module = runpy.run_path(str(ROLES / role / f"tests/test_{role}.py"))
    known = {"host": Said(answers, {"/var/log/audit": 0o750}), "image": SimpleNamespace(vars=given or {}), **more}
    test: Callable[..., None] = module[name]
    try:
        test(**{parameter: known[parameter] for parameter in inspect.signature(test).parameters})
    except AssertionError:
        return False
    return True


UMASK, IDLE, POLICY = "test_new_session_hides_its_files", "test_idle_shell_closes", "test_password_policy"
CLOSED, SU = "test_account_files_are_closed", "test_su_is_for_one_group"
PAM = {"common-password": "password requisite pam_pwquality.so retry=3"}
FILES = """\
/etc/passwd root root 644
/etc/group root root 644
/etc/shadow root shadow 640
/etc/gshadow root shadow 640
/etc/sudoers.d root root 750
/root root root 700
"""


def login_defs(*, longest: int = 365, shortest: int = 1, hashed: str = "YESCRYPT") -> dict[str, str]:
    return PAM | {
        "login.defs": f"PASS_MAX_DAYS\t{longest}\nPASS_MIN_DAYS\t{shortest}\nENCRYPT_METHOD {hashed}\n# a remark\n"
    }


def su(rule: str, **members: str) -> dict[str, str]:
    groups = {f"getent group {name}": f"{name}:x:27:{some}" for name, some in members.items()}
    return groups | {"pam.d/su": f"auth sufficient pam_rootok.so\n{rule}\n@include common-auth\n"}


@pytest.mark.parametrize(
    ("name", "answers", "passes"),
    [
        (UMASK, {"umask": "0027"}, True),
        (UMASK, {"umask": "0077"}, True),
        (UMASK, {"umask": "0022"}, False),
        (UMASK, {"umask": "0072"}, False),
        (IDLE, {"echo": "900"}, True),
        (IDLE, {"echo": "300"}, True),
        (IDLE, {"echo": "901"}, False),
        (IDLE, {"echo": "0"}, False),
        (IDLE, {"echo": "300", "TMOUT=0": ""}, False),
        (POLICY, login_defs(), True),
        (POLICY, login_defs(longest=60, shortest=7), True),
        (POLICY, login_defs(longest=366), False),
        (POLICY, login_defs(longest=-1), False),
        (POLICY, login_defs(longest=99999), False),
        (POLICY, login_defs(shortest=0), False),
        (POLICY, login_defs(hashed="MD5"), False),
        (CLOSED, {"stat": FILES}, True),
        (CLOSED, {"stat": FILES.replace("shadow 640", "root 0").replace("750", "500")}, True),
        (CLOSED, {"stat": FILES.replace("root 700", "root 755")}, False),
        (CLOSED, {"stat": FILES.replace("/etc/gshadow root shadow", "/etc/gshadow root users")}, False),
        (CLOSED, {"stat": FILES.replace("/root root", "/root admin")}, False),
        (CLOSED, {"stat": FILES.replace("/etc/group root root 644\n", "")}, False),
        (SU, su("auth required pam_wheel.so use_uid group=sudo"), True),
        (SU, su("auth requisite\tpam_wheel.so  group=sugroup use_uid", sudo="admin", sugroup=""), True),
        (SU, su("auth required pam_wheel.so use_uid group=staff", sudo="admin", staff="admin,joe"), False),
        (SU, su("auth sufficient pam_wheel.so use_uid group=sudo"), False),
        (SU, su("auth required pam_wheel.so use_uid deny group=sudo"), False),
        (SU, su("# auth required pam_wheel.so use_uid group=sudo"), False),
    ],
)
def test_accounts(name: str, answers: dict[str, str], *, passes: bool) -> None:
    assert holds("hardening_accounts", name, answers) is passes


SSHD = {
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
    "maxauthtries": "4",
    "logingracetime": "30",
    "clientaliveinterval": "300",
    "clientalivecountmax": "2",
    "allowtcpforwarding": "no",
    "allowagentforwarding": "no",
}
KEYS, LIMITS = "test_only_keys_open_a_session", "test_limits_are_no_wider_than_declared"
FORWARDING = "test_forwarding_is_no_wider_than_declared"
SECOND = {"authenticationmethods": "publickey,keyboard-interactive", "kbdinteractiveauthentication": "yes"}


@pytest.mark.parametrize(
    ("name", "changed", "given", "passes"),
    [
        (KEYS, {}, {}, True),
        (KEYS, SECOND, {}, True),
        (KEYS, {**SECOND, "authenticationmethods": "publickey keyboard-interactive"}, {}, False),
        (KEYS, {"kbdinteractiveauthentication": "yes"}, {}, False),
        (KEYS, {"authenticationmethods": "any"}, {}, False),
        (KEYS, {"permitrootlogin": "without-password"}, {}, False),
        (LIMITS, {}, {}, True),
        (LIMITS, {"maxauthtries": "3", "logingracetime": "20", "clientaliveinterval": "60"}, {}, True),
        (LIMITS, {"clientaliveinterval": "15", "clientalivecountmax": "3"}, {}, True),
        (LIMITS, {"maxauthtries": "5"}, {}, False),
        (LIMITS, {"maxauthtries": "5"}, {"hardening_ssh_max_auth_tries": 6}, True),
        (LIMITS, {"logingracetime": "0"}, {}, False),
        (LIMITS, {"logingracetime": "60"}, {}, False),
        (LIMITS, {"clientaliveinterval": "0"}, {}, False),
        (LIMITS, {"clientalivecountmax": "0"}, {}, False),
        (LIMITS, {"clientalivecountmax": "3"}, {}, False),
        (FORWARDING, {}, {}, True),
        (FORWARDING, {}, {"hardening_ssh_allow_tcp_forwarding": True}, True),
        (FORWARDING, {"allowtcpforwarding": "yes"}, {"hardening_ssh_allow_tcp_forwarding": True}, True),
        (FORWARDING, {"allowtcpforwarding": "local"}, {}, False),
        (FORWARDING, {"allowagentforwarding": "yes"}, {"hardening_ssh_allow_tcp_forwarding": True}, False),
    ],
)
def test_ssh(name: str, changed: dict[str, str], given: dict[str, Any], *, passes: bool) -> None:
    assert holds("hardening_ssh", name, {}, given=given, effective=SSHD | changed) is passes


@pytest.mark.parametrize(
    ("modes", "passes"), [("600 600", True), ("400 600", True), ("644 600", False), ("600 640", False)]
)
def test_configuration_of_ssh(modes: str, *, passes: bool) -> None:
    said = "\n".join(f"root:root {mode}" for mode in modes.split())
    assert holds("hardening_ssh", "test_configuration_is_hidden_from_others", {"stat": said}) is passes


@pytest.mark.parametrize(
    ("key", "passes"), [("ssh-ed25519", True), ("ecdsa-sha2-nistp384", True), ("ssh-rsa", False), ("", False)]
)
def test_host_keys_of_ssh(key: str, *, passes: bool) -> None:
    said = f"127.0.0.1 {key} AAAA\n" if key else ""
    assert holds("hardening_ssh", "test_server_answers", {"ssh-keyscan": said}) is passes


SYSCTLS = {
    "kernel.yama.ptrace_scope": "1",
    "net.ipv4.conf.all.rp_filter": "2",
    "net.ipv4.conf.all.send_redirects": "0",
    "fs.suid_dumpable": "0",
    "kernel.unprivileged_bpf_disabled": "1",
    "vm.swappiness": "10",
}


@pytest.mark.parametrize(
    ("changed", "passes"),
    [
        ({}, True),
        ({"kernel.yama.ptrace_scope": "2", "net.ipv4.conf.all.rp_filter": "1"}, True),
        ({"kernel.yama.ptrace_scope": "0"}, False),
        ({"net.ipv4.conf.all.rp_filter": "0"}, False),
        ({"net.ipv4.conf.all.send_redirects": "1"}, False),
        ({"fs.suid_dumpable": "2"}, False),
        ({"kernel.unprivileged_bpf_disabled": "2"}, False),
        ({"vm.swappiness": "20"}, False),
        ({"kernel.yama.ptrace_scope": "9"}, False),
    ],
)
def test_sysctls(changed: dict[str, str], *, passes: bool) -> None:
    """In the files of the boot, and in the kernel."""
    files = "\n".join(f"{name}={value}" for name, value in (SYSCTLS | changed).items())
    live = "\n".join(f"{name} = {value}" for name, value in (SYSCTLS | changed).items())
    for name, said in (
        ("test_file_is_not_overruled", {"cat-config": files}),
        ("test_kernel_follows_where_it_is_ours", {"sysctl --all": live}),
    ):
        assert holds("hardening_sysctl", name, said, declared=SYSCTLS) is passes, name


def test_a_sysctl_that_nothing_sets() -> None:
    files = "\n".join(f"{name}={value}" for name, value in SYSCTLS.items() if "ptrace" not in name)
    assert not holds("hardening_sysctl", "test_file_is_not_overruled", {"cat-config": files}, declared=SYSCTLS)


@pytest.mark.parametrize(
    ("rule", "passes"),
    [
        ("-w /etc/passwd -p wa -k identity", True),
        ("-w /etc/passwd -p rwa -k changes", True),
        ("-a always,exit -F arch=b64 -F path=/etc/passwd -F perm=wa -F key=identity", True),
        ("-a always,exit -S all -F path=/etc/passwd -F perm=w", False),
        ("-a never,exit -F path=/etc/passwd -F perm=wa", False),
        ("-w /etc/passwd -p w -k identity", False),
        ("-w /etc/passwd- -p wa -k identity", False),
    ],
)
def test_watches(rule: str, *, passes: bool) -> None:
    assert holds("audit", "test_change_is_watched", {}, rules=[rule, "-e 2"], path="/etc/passwd") is passes


@pytest.mark.parametrize(
    ("last", "given", "passes"),
    [
        ("-e 2", {}, True),
        ("-e 2", {"audit_immutable": False}, True),
        ("-e 1", {"audit_immutable": False}, True),
        ("-e 1", {}, False),
    ],
)
def test_rules_of_audit_are_locked(last: str, given: dict[str, Any], *, passes: bool) -> None:
    assert holds("audit", "test_rules_are_locked_last", {}, given=given, rules=["-D", last]) is passes


@pytest.mark.parametrize(
    ("action", "space", "size", "logs", "passes"),
    [
        ("ROTATE", "SUSPEND", 8, 5, True),
        ("rotate", "SUSPEND", 50, 10, True),
        ("keep_logs", "halt", 8, 5, True),
        ("keep_logs", "suspend", 8, 5, False),
        ("IGNORE", "SUSPEND", 8, 5, False),
        ("ROTATE", "SUSPEND", 8, 4, False),
    ],
)
def test_logs_of_audit(action: str, space: str, size: int, logs: int, *, passes: bool) -> None:
    settings = f"""\
max_log_file_action = {action}
admin_space_left_action = {space}
max_log_file = {size}
num_logs = {logs}
"""
    assert holds("audit", "test_logs_cannot_fill_the_disk", {"auditd.conf": settings}) is passes


@pytest.mark.parametrize(
    ("banner", "given", "passes"),
    [
        ("Authorised use only.", {}, True),
        ("Authorized users only. All activity is monitored.", {}, True),
        ("Leave", {"system_login_banner": "Authorised use only."}, False),
        ("Authorised use only. Debian 12", {}, False),
        (r"Authorised use only. \r on \m", {}, False),
        ("", {}, False),
    ],
)
def test_banner(banner: str, given: dict[str, Any], *, passes: bool) -> None:
    assert holds("system", "test_banner_is_shown_before_login", {"issue.net": banner}, given=given) is passes


@pytest.mark.parametrize(
    ("lines", "passes"),
    [
        (["ssl_protocols TLSv1.2 TLSv1.3;"], True),
        (["ssl_protocols TLSv1.3;", "ssl_protocols TLSv1.2 TLSv1.3;"], True),
        (["ssl_protocols TLSv1.2 TLSv1.3;", "ssl_protocols TLSv1 TLSv1.2;"], False),
        (["# ssl_protocols TLSv1.3;"], False),
    ],
)
def test_tls(lines: list[str], *, passes: bool) -> None:
    said = "\n".join(f"    {line}" for line in lines)
    assert holds("nginx", "test_old_tls_is_refused", {"nginx -T": said}) is passes


@pytest.mark.parametrize(
    ("frame", "passes"), [("SAMEORIGIN", True), ("DENY", True), ("ALLOW-FROM https://a.example", False), ("", False)]
)
def test_headers(frame: str, *, passes: bool) -> None:
    lines = ["HTTP/1.1 200 OK", "Server: nginx", "X-Content-Type-Options: nosniff"]
    lines += [f"X-Frame-Options: {frame}"] if frame else []
    assert holds("nginx", "test_headers_protect_the_visitor", {"curl": "\n".join(lines)}, path="/") is passes


@pytest.mark.parametrize(
    ("rules", "passes"),
    [
        ("local|peer|\nhost|scram-sha-256|", True),
        ("local|peer|\nhostssl|cert|\nhost|reject|", True),
        ("local|trust|", False),
        ("local|peer|\nhost|md5|", False),
        ("host|cert|", False),
        ("local|peer|\n|| invalid line", False),
        ("", False),
    ],
)
def test_ways_into_postgresql(rules: str, *, passes: bool) -> None:
    answers = {"pg_hba_file_rules": rules, "password_encryption": "scram-sha-256"}
    assert holds("postgresql", "test_passwords_are_the_only_way_in_over_tcp", answers) is passes


@pytest.mark.parametrize(
    ("addresses", "listening", "declared", "passes"),
    [
        ("localhost", "127.0.0.1:5432", ["localhost"], True),
        ("", "", ["localhost"], True),
        ("localhost", "", ["localhost"], False),
        ("localhost", "127.0.0.1:5432", ["localhost", "10.0.0.1"], True),
        ("localhost, 10.0.0.1", "127.0.0.1:5432", ["localhost"], False),
        ("*", "0.0.0.0:5432", ["localhost"], False),
        ("10.0.0.1", "10.0.0.1:5432", ["*"], True),
    ],
)
def test_addresses_of_postgresql(addresses: str, listening: str, declared: list[str], *, passes: bool) -> None:
    answers = {"listen_addresses": addresses, "ss ": f"LISTEN 0 244 {listening} 0.0.0.0:*" if listening else ""}
    given = {"postgresql_listen_addresses": declared}
    assert holds("postgresql", "test_server_listens_only_where_declared", answers, given=given) is passes
