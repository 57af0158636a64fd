"""What a unit's settings have to do with a command that failed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.validate.machine.systemd_unit import SystemdUnit, unit_of
from orchestrator.validate.verdict import AskedCommand, TestOutcome, TestResult

SHOWN = """\
Id=amazon-ssm-agent.service
CapabilityBoundingSet=cap_chown cap_dac_override cap_dac_read_search cap_fowner cap_fsetid cap_kill cap_setgid \
cap_setuid cap_setpcap cap_linux_immutable cap_net_bind_service cap_net_broadcast cap_net_admin cap_net_raw \
cap_ipc_lock cap_ipc_owner cap_sys_module cap_sys_rawio cap_sys_chroot cap_sys_ptrace cap_sys_pacct cap_sys_admin \
cap_sys_boot cap_sys_nice cap_sys_resource cap_sys_time cap_sys_tty_config cap_mknod cap_lease cap_audit_write \
cap_audit_control cap_setfcap cap_mac_override cap_mac_admin cap_syslog cap_wake_alarm cap_block_suspend \
cap_audit_read cap_perfmon cap_bpf cap_checkpoint_restore
UMask=0022
SystemCallFilter=~
RestrictAddressFamilies=~
ProtectHome=no
ReadOnlyPaths=/run /etc
PrivateTmp=yes
LimitNOFILE=524288
TasksMax=infinity
"""
HARDENED = unit_of(SHOWN)


def test_a_unit_has_the_settings_that_restrict_something() -> None:
    settings = {"ReadOnlyPaths": "/run /etc", "PrivateTmp": "yes", "LimitNOFILE": "524288"}
    assert SystemdUnit("amazon-ssm-agent", settings) == HARDENED


def test_a_command_that_runs_in_no_unit_blames_none() -> None:
    assert unit_of("") == SystemdUnit()
    assert SystemdUnit().blame("touch: cannot touch '/etc/x': Read-only file system") == ""


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("touch: cannot touch '/etc/x': Read-only file system", "ReadOnlyPaths=/run /etc"),
        ("stat -L /tmp/outside", "PrivateTmp=yes"),
        ("cat: /x: Too many open files", "LimitNOFILE=524288"),
    ],
)
def test_the_setting_is_named_that_can_have_done_it(text: str, setting: str) -> None:
    assert HARDENED.blame("", text) == f"commands run in the machine's unit amazon-ssm-agent, which has {setting}"


def test_a_test_that_failed_for_something_else_is_left_alone() -> None:
    failed = TestResult(
        "role", "test_x.py::test_x", TestOutcome.FAILED, 0.1, "assert 1\n where", asked=(AskedCommand("id", "0"),)
    )
    assert failed.in_unit(HARDENED) == failed
    passed = replace(
        failed, outcome=TestOutcome.PASSED, asked=(AskedCommand("touch /etc/x", "1", "Read-only file system"),)
    )
    assert passed.in_unit(HARDENED) == passed
    blamed = replace(passed, outcome=TestOutcome.FAILED).in_unit(HARDENED).message
    assert blamed == (
        "assert 1\ncommands run in the machine's unit amazon-ssm-agent, which has ReadOnlyPaths=/run /etc\n where"
    )
