"""Processes of errands: forked from one that has everything loaded, and as good as ones that are started."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil
import pytest

from orchestrator.run.remote.errand import LENGTH
from orchestrator.run.remote.fork_server import ForkServer

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Calls the function of this module that a pickle names (`os._exit(7)`), as an errand of a hostile program would.
EXIT = b"cposix\n_exit\n(I7\ntR."


def servers() -> list[psutil.Process]:
    """The fork servers of this process, which may have other children, too."""

    def serves(child: psutil.Process) -> bool:
        with suppress(psutil.NoSuchProcess):  # as psutil also says of a zombie
            return any("fork_server" in word for word in child.cmdline())
        return False

    return [child for child in psutil.Process().children() if serves(child)]


def await_end(pid: int) -> None:
    while psutil.pid_exists(pid):
        time.sleep(0.01)


@pytest.fixture(scope="module")
def forks() -> Iterator[ForkServer]:
    made = ForkServer()
    yield made
    made.close()


def test_errand_in_a_session_of_its_own(forks: ForkServer) -> None:
    """Its streams are those that it was given, its exit code arrives, and what it says on errors too."""
    with tempfile.TemporaryFile() as errors, forks.started(errors) as process:
        assert os.getsid(process.pid) == process.pid
        process.stdin.write(LENGTH.pack(len(EXIT)) + EXIT)
        process.stdin.flush()
        assert process.stdout.read() == b""
        assert process.wait() == 7
    with tempfile.TemporaryFile() as errors, forks.started(errors) as process:
        process.stdin.close()
        assert process.wait() == 1
        errors.seek(0)
        assert b"struct.error" in errors.read()


def test_errand_when_it_is_interrupted_or_left(forks: ForkServer) -> None:
    with tempfile.TemporaryFile() as errors:
        with forks.started(errors) as process:
            process.send_signal(signal.SIGTERM)
            assert process.wait() == -signal.SIGTERM
        with forks.started(errors) as process:
            pid = process.pid
        await_end(pid)


def test_errands_share_a_server_which_is_replaced_when_it_has_ended(forks: ForkServer) -> None:
    """An errand that runs outlives its server, and is still known."""
    with tempfile.TemporaryFile() as errors, forks.started(errors) as first:
        with forks.started(errors):
            (server,) = servers()
        server.kill()
        with forks.started(errors) as second:
            assert second.pid
        first.stdin.write(LENGTH.pack(len(EXIT)) + EXIT)
        first.stdin.flush()
        assert first.wait() == 7


def test_server_ends_with_whoever_started_it() -> None:
    made = ForkServer()
    before = servers()
    with tempfile.TemporaryFile() as errors, made.started(errors):
        (server,) = [one for one in servers() if one not in before]
    made.close()
    assert server.wait(30) is not None or not server.is_running()
