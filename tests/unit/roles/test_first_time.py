"""How the seal's tests read the first time in a log: the shell function that runs on the tested machine."""

from __future__ import annotations

import runpy
import struct
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from orchestrator.definition.levels.extended import BUILTIN_ROOT

if TYPE_CHECKING:
    from pathlib import Path

FIRST_TIME = runpy.run_path(str(BUILTIN_ROOT / "roles/seal/tests/test_seal.py"))["FIRST_TIME"]
NOON = int(datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC).timestamp())
#: utmp(5): the time follows 340 bytes of other fields, of 384.
LOGIN = bytes(340) + struct.pack("<i", NOON) + bytes(40)
#: On arm64 it follows 344 bytes, of 400, and has 64 bits, as in lastlog (glibc, `__WORDSIZE_TIME64_COMPAT32`).
ARM64_LOGIN = bytes(344) + struct.pack("<q", NOON) + bytes(48)


def first_second(log: Path, machine: str = "x86_64") -> str:
    """Seconds since the epoch of the first time in a log, by a machine in UTC; empty when there is none."""
    asked = 'time=$(first "$1") && [ -n "$time" ] && date --utc --date "$time" +%s'
    script = f"uname() {{ echo {machine}; }}\n{FIRST_TIME}\n{asked}"
    done = subprocess.run(["sh", "-c", script, "sh", str(log)], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout.strip()


@pytest.mark.parametrize(
    "line",
    [
        "2026-01-31 12:00:00.0824 INFO [amazon-ssm-agent] Starting Core Agent",
        "2026-01-31 12:00:00,317 WARNING - SIGTERM or SIGHUP received",
        "2026-01-31 12:00:00.123 UTC [42] LOG:  database system is ready",
        "2026-01-31T13:00:00.123456+01:00 host sshd[1]: Server listening",
        "2026-01-31T12:00:00Z an event",
        "update-alternatives 2026-01-31 12:00:00: run with --install",
        "Log started: 2026-01-31  12:00:00",
        "2026/01/31 12:00:00 [notice] 1#1: nginx",
        '10.0.0.1 - - [31/Jan/2026:12:00:00 +0000] "GET / HTTP/1.1" 200',
        "Cloud-init v. 22.4.2 running 'init' at Sat, 31 Jan 2026 12:00:00 +0000. Up 3.1 seconds.",
        "Sat Jan 31 12:00:00 2026",
        f"type=DAEMON_START msg=audit({NOON}.123:42): op=start",
        "a line without a time\n2026-01-31 12:00:00 the first\n2026-02-01 12:00:00 the second",
    ],
)
def test_time_when_a_log_has_one(line: str, tmp_path: Path) -> None:
    """The first that it has, in the forms in which logs write it."""
    log = tmp_path / "some.log"
    log.write_text(line + "\n")
    assert first_second(log) == str(NOON)


def test_time_when_the_year_is_left_out(tmp_path: Path) -> None:
    """It is this year's."""
    log = tmp_path / "syslog"
    log.write_text("Jan  1 12:00:00 host cron[1]: started\n")
    year = datetime.now(UTC).year
    assert first_second(log) == str(int(datetime(year, 1, 1, 12, tzinfo=UTC).timestamp()))


@pytest.mark.parametrize(
    ("machine", "name", "content"),
    [
        ("x86_64", "wtmp", LOGIN),
        ("x86_64", "btmp", LOGIN),
        ("x86_64", "lastlog", bytes(292) + struct.pack("<i288x", NOON)),
        ("aarch64", "wtmp", ARM64_LOGIN),
        ("aarch64", "lastlog", bytes(296) + struct.pack("<q288x", NOON)),
    ],
)
def test_time_when_logins_are_recorded(machine: str, name: str, content: bytes, tmp_path: Path) -> None:
    """It is that of the first record, or of the only user who ever logged in."""
    log = tmp_path / name
    log.write_bytes(content)
    assert first_second(log, machine) == str(NOON)


@pytest.mark.parametrize("content", [b"", b"no time here 12:00\n", b"\x00\xff\xfe"])
def test_time_when_there_is_none(content: bytes, tmp_path: Path) -> None:
    """Nothing is printed, and nothing fails."""
    log = tmp_path / "some.log"
    log.write_bytes(content)
    assert first_second(log) == ""
