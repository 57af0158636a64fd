"""Leases between real processes, in the lab's S3: one holder at a time, and the dead are known from the living."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.aws.account import Account
from orchestrator.run.leases.lease import Leases
from orchestrator.run.leases.owner import LeaseOwner, this_process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from orchestrator.lab.settings import Settings

pytestmark = pytest.mark.long(60)

BUCKET = "test-leases"
ME = this_process("20261125T004200Z-0a1b2c")

#: Holds a lease in a process of its own until its standard input ends; says `held`, and `lost` when it is.
HOLDER = """
import sys, threading
from dataclasses import replace
from orchestrator.aws.account import Account
from orchestrator.run.leases.lease import Leases
from orchestrator.run.leases.owner import this_process

endpoint, bucket, key, ttl, machine = sys.argv[1:]
owner = this_process("20261125T004100Z-d3e4f5")
account = Account("us-east-1", endpoint=endpoint, access_key="lab", secret_key="lab")
leases = Leases(account, bucket, replace(owner, machine=machine or owner.machine), ttl=float(ttl))
with leases.hold(key, stop=threading.Event(), lost=lambda: print("lost", flush=True)):
    print("held", flush=True)
    sys.stdin.read()
"""

#: Holds a lease again and again; a file that must not exist yet proves that nobody else holds it.
CONTENDER = """
import os, sys, threading, time
from orchestrator.aws.account import Account
from orchestrator.run.leases.lease import Leases
from orchestrator.run.leases.owner import this_process

endpoint, bucket, mark = sys.argv[1:]
account = Account("us-east-1", endpoint=endpoint, access_key="lab", secret_key="lab")
leases = Leases(account, bucket, this_process(f"20261125T004200Z-{os.getpid():06x}"))
for _ in range(3):
    with leases.hold("build/contended", stop=threading.Event()):
        os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
        time.sleep(0.05)
        os.unlink(mark)
"""


@pytest.fixture(scope="module")
def account(lab: Settings, client: Callable[..., Any]) -> Account:
    client("s3").create_bucket(Bucket=BUCKET)
    return Account("us-east-1", endpoint=lab.endpoint, access_key="lab", secret_key="lab")


@contextmanager
def holder(account: Account, key: str, *, ttl: float, machine: str = "") -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-c", HOLDER, account.endpoint, BUCKET, key, str(ttl), machine]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def seconds_until_held(account: Account, key: str, owner: LeaseOwner = ME) -> float:
    began = time.monotonic()
    with Leases(account, BUCKET, owner).hold(key, stop=threading.Event()):
        return time.monotonic() - began


def written(account: Account, key: str) -> datetime:
    """When a lease was written for the last time, as the bucket tells, in whole seconds."""
    when: datetime = account.client("s3").head_object(Bucket=BUCKET, Key=f"leases/{key}")["LastModified"]
    return when


def test_hold_when_processes_contend(account: Account, tmp_path: Path) -> None:
    """Four processes want the same lease three times each: all get it, never two at once."""
    argv = [sys.executable, "-c", CONTENDER, account.endpoint, BUCKET, str(tmp_path / "mark")]
    contenders = [subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    for contender in contenders:
        assert contender.stderr is not None
        with contender:
            said = contender.stderr.read()
        assert contender.returncode == 0, said


def test_hold_when_threads_contend(account: Account) -> None:
    """The threads of one process exclude each other as well, also through one Leases object."""
    leases, inside = Leases(account, BUCKET, ME), threading.Semaphore(1)

    def work(_: int) -> bool:
        with leases.hold("build/threads", stop=threading.Event()):
            alone = inside.acquire(blocking=False)
            time.sleep(0.05)
            inside.release()
            return alone

    with ThreadPoolExecutor(4) as executor:
        assert list(executor.map(work, range(4))) == [True] * 4


def test_hold_when_the_holder_is_killed(account: Account) -> None:
    """On the same machine the next one is in at once, although the lease would count for ten minutes."""
    with holder(account, "build/killed", ttl=600) as process, ThreadPoolExecutor(1) as executor:
        next_one = executor.submit(seconds_until_held, account, "build/killed")
        time.sleep(2.5)
        assert not next_one.done()
        process.send_signal(signal.SIGKILL)
        assert next_one.result() < 300


def test_hold_when_the_holder_died_elsewhere(account: Account) -> None:
    """Of a process on another machine only its silence tells: it is waited for, and not less than it promised."""
    with holder(account, "build/elsewhere", ttl=4, machine="elsewhere") as process:
        process.kill()
        process.wait()
        last = written(account, "build/elsewhere")
        with Leases(account, BUCKET, ME).hold("build/elsewhere", stop=threading.Event()):
            assert written(account, "build/elsewhere") - last >= timedelta(seconds=4)


def test_hold_when_the_heart_beats(account: Account) -> None:
    """A holder elsewhere that lives keeps its lease, however long it takes."""
    with holder(account, "build/beating", ttl=12, machine="elsewhere") as process, ThreadPoolExecutor(1) as executor:
        contender = executor.submit(lambda: seconds_until_held(account, "build/beating"))
        time.sleep(16)
        assert not contender.done()
        process.communicate("", timeout=300)
        assert process.returncode == 0
        assert contender.result() >= 16


def test_hold_when_the_holder_slept(account: Account) -> None:
    """One that was suspended, and goes on when another has taken over, is told; the lease stays the other's."""
    with holder(account, "build/slept", ttl=2, machine="elsewhere") as process:
        process.send_signal(signal.SIGSTOP)
        leases = Leases(account, BUCKET, ME)
        with leases.hold("build/slept", stop=threading.Event()):
            process.send_signal(signal.SIGCONT)
            assert process.stdout is not None
            assert process.stdout.readline() == "lost\n"
            process.communicate("", timeout=300)
            there = leases.records.read("build/slept", ttl=60)
            assert there is not None
            assert there.owner == ME


def test_hold_when_many_wait_for_a_dead_one(account: Account) -> None:
    """Exactly one of those who wait takes over; the others wait for it."""
    ghost = replace(ME, birth="1")
    leases = Leases(account, BUCKET, ghost)
    with leases.hold("build/ghost", stop=threading.Event()):
        leases.leave("build/ghost")
    inside = threading.Semaphore(1)

    def work(number: int) -> bool:
        mine = Leases(account, BUCKET, replace(ME, run=f"20261125T00420{number}Z-0a1b2c"))
        with mine.hold("build/ghost", stop=threading.Event()):
            alone = inside.acquire(blocking=False)
            time.sleep(0.2)
            inside.release()
            return alone

    with ThreadPoolExecutor(5) as executor:
        assert list(executor.map(work, range(5))) == [True] * 5
