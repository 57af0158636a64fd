"""The wait for a quiet machine: the script itself, with programs that tell what those of a machine tell."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestrator import quiet

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Locks a file as apt does until it is told to go on.
HOLD = """
import fcntl, sys
file = open(sys.argv[1], "w")
fcntl.lockf(file, fcntl.LOCK_EX)
open("/proc/self/comm", "w").write("unattended-upgr")
print("locked", flush=True)
sys.stdin.read()
"""


@dataclass
class Machine:
    """What the script meets. A program says one line each time it is called, and the last one for good."""

    folder: Path

    @property
    def lock(self) -> str:
        return str(self.folder / "lock")

    @property
    def result(self) -> str:
        return str(self.folder / "result.json")

    def says(self, program: str, *lines: str) -> None:
        (self.folder / f"{program}.says").write_text("".join(f"{line}\n" for line in lines))
        file = self.folder / program
        file.write_text(f'#!/bin/sh\n[ "$1" != list-jobs ] || {{ echo "7 slow.service start running"; exit; }}\n{SAYS}')
        file.chmod(0o755)

    def waits(self, *, strict: bool = True, boot: int = 60, limit: int = 60) -> subprocess.CompletedProcess[str]:
        lines = quiet.script(strict=strict, boot=boot, limit=limit, locks=[self.lock], result=self.result)
        return subprocess.run(
            ["/bin/sh", "-c", "\n".join(lines)],
            env={"PATH": f"{self.folder}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
        )


SAYS = """
head -n 1 "$0.says"
[ "$(wc -l <"$0.says")" = 1 ] || sed -i 1d "$0.says"
"""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """One that is quiet."""
    made = Machine(tmp_path)
    made.says("systemctl", "running")
    made.says("cloud-init", "status: done")
    return made


@pytest.fixture
def holder(machine: Machine) -> Iterator[subprocess.Popen[bytes]]:
    """A process that holds the lock until its standard input is closed."""
    argv = [sys.executable, "-c", HOLD, str(machine.folder / "lock")]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"locked\n"
        yield process


@pytest.mark.parametrize("said", ["status: done", "status: disabled", "status: not run", "status: not started"])
def test_machine_when_quiet(machine: Machine, said: str) -> None:
    """Nothing is said. A cloud-init that has not begun when systemd has booted will not begin."""
    machine.says("cloud-init", said)
    done = machine.waits()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_machine_when_it_boots(machine: Machine) -> None:
    """It says what it waits for, each thing once."""
    machine.says("systemctl", "starting", "starting", "running")
    machine.says("cloud-init", "status: running", "status: done")
    done = machine.waits()
    assert done.returncode == 0
    assert [line.partition(" (")[0] for line in done.stdout.splitlines()] == [
        "this machine: waiting for systemd to finish the boot slow.service",
        "this machine: waiting for cloud-init to end",
    ]


def test_machine_when_a_job_hangs_for_good(machine: Machine) -> None:
    """After a while the boot is not waited for any more."""
    machine.says("systemctl", "starting")
    assert machine.waits(boot=1).returncode == 0


def test_machine_when_a_program_holds_apts_lock(machine: Machine, holder: subprocess.Popen[bytes]) -> None:
    """Who holds it is told; when it is free, the wait is over."""
    assert holder.stdin is not None
    waiting = subprocess.Popen(
        ["/bin/sh", "-c", "\n".join(quiet.script(strict=True, locks=[machine.lock], result=machine.result))],
        env={"PATH": f"{machine.folder}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert waiting.stdout is not None
    told = waiting.stdout.readline()
    assert f"waiting for apt's lock {machine.folder}/lock, held by unattended-upgr (process {holder.pid}" in told
    assert waiting.poll() is None
    holder.stdin.close()
    assert waiting.wait() == 0
    waiting.stdout.close()


@pytest.mark.parametrize(("strict", "code"), [(True, 1), (False, 0)])
@pytest.mark.usefixtures("holder")
def test_machine_when_the_lock_is_never_free(machine: Machine, *, strict: bool, code: int) -> None:
    """A build ends with it, a validation goes on; both are told who holds the lock."""
    done = machine.waits(strict=strict, limit=1)
    assert done.returncode == code
    assert "this machine: not quiet after 1 s: still waiting for apt's lock" in done.stderr


def test_machine_when_cloud_init_has_written_that_it_ended_well(machine: Machine) -> None:
    """It is not asked, which would take half a second of a core."""
    Path(machine.result).write_text('{\n "v1": {\n  "datasource": "DataSourceEc2",\n  "errors": []\n }\n}')
    machine.says("cloud-init", "status: error")
    done = machine.waits()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_machine_when_cloud_init_has_written_what_went_wrong(machine: Machine) -> None:
    """Its own words are shown."""
    Path(machine.result).write_text('{\n "v1": {\n  "datasource": "DataSourceEc2",\n  "errors": [\n   "x"\n  ]\n }\n}')
    machine.says("cloud-init", "status: error detail: x")
    assert machine.waits().stderr == "this machine: cloud-init failed: status: error detail: x\n"


@pytest.mark.parametrize(("strict", "code"), [(True, 1), (False, 0)])
def test_machine_when_cloud_init_failed(machine: Machine, *, strict: bool, code: int) -> None:
    """A build ends with it, and its words."""
    machine.says("cloud-init", "status: error detail: no disk")
    done = machine.waits(strict=strict)
    assert (done.returncode, done.stderr) == (
        code,
        "this machine: cloud-init failed: status: error detail: no disk\n",
    )
