"""When disks are saved and removed, with a slow program in podman's place that keeps a record of what it is asked."""

from __future__ import annotations

import ipaddress
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from moto.ec2.models import ec2_backends

from orchestrator.lab.ec2.disks import Disks
from orchestrator.lab.host.podman import Podman
from orchestrator.lab.host.volumes import VolumeFiles
from orchestrator.lab.tables import Tables
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SLOW = """#!/bin/sh
echo "$1 begins" >>{record}
sleep 0.4
echo "$1 ends" >>{record}
"""


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What podman is asked, a line for the begin and the end of each."""
    path = tmp_path / "record"
    path.touch()
    program = tmp_path / "podman"
    program.write_text(SLOW.format(record=path))
    program.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return path


@pytest.fixture
def disks(tmp_path: Path) -> Disks:
    """Disks of a lab that holds nothing yet; other tests of this process may have had moto's tables before."""
    ec2_backends.reset()
    tables = Tables(ipaddress.IPv4Network("10.89.0.0/24"))
    return Disks(tables, Podman("unit", ""), lambda _: nullcontext(), 0.0, VolumeFiles(tmp_path))


def save(disks: Disks, name: str) -> Callable[[], bool]:
    """Begin to save a disk, which no snapshot of the tables will hold; returns how one knows that it has ended."""
    snapshot: Any = SimpleNamespace(id=name, status="", volume=SimpleNamespace(size=8))
    disks.capture(SimpleNamespace(id="i-1", state="running"), snapshot, image=None, reboot=False)
    return lambda: snapshot.status == "completed"


def test_no_disk_is_removed_while_another_is_saved(disks: Disks, record: Path) -> None:
    """Both may share a layer, which the removal would take along."""
    until(save(disks, "snap-1"), "snap-1")
    ended = save(disks, "snap-2")
    disks.sweep()
    until(ended, "snap-2")
    disks.sweep()
    commit, removal = ["commit begins", "commit ends"], ["rmi begins", "rmi ends"]
    assert record.read_text().splitlines() == [*commit, *commit, *removal, *removal]


def test_no_disk_is_saved_while_another_is_removed(disks: Disks, record: Path) -> None:
    until(save(disks, "snap-1"), "snap-1")
    with ThreadPoolExecutor() as pool:
        swept = pool.submit(disks.sweep)
        until(lambda: "rmi begins" in record.read_text(), "a removal")
        until(save(disks, "snap-2"), "snap-2")
        swept.result()
    expected = ["commit begins", "commit ends", "rmi begins", "rmi ends", "commit begins", "commit ends"]
    assert record.read_text().splitlines() == expected


BUSY = """#!/bin/sh
echo "$1 begins" >>{record}
[ "$(wc -l <{record})" -gt {failures} ] || {{ echo "Error: runc: unable to freeze" >&2; exit 125; }}
"""


@pytest.mark.parametrize(("failures", "expected"), [(2, "completed"), (9, "error")])
def test_disk_of_a_machine_that_cannot_be_frozen_at_once_is_saved_later(
    failures: int, expected: str, disks: Disks, record: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that boots starts processes all the time. What never works is an error."""
    monkeypatch.setattr(time, "sleep", lambda _: None)
    (record.parent / "podman").write_text(BUSY.format(record=record, failures=failures))
    snapshot: Any = SimpleNamespace(id="snap-1", status="", disk="disk")
    disks._capture(SimpleNamespace(id="i-1", state="running"), snapshot, None, reboot=False, delay=0.0, volumes={})
    assert snapshot.status == expected
    assert len(record.read_text().splitlines()) == min(failures + 1, 5)
