"""Processes of errands that have everything loaded: forked from one that waits for requests.

To load what an errand needs takes a second of a core and more, and a run has two errands for each image. So a worker
starts a fork server with its first errand: `python -m orchestrator.run.remote.fork_server`, which loads all that once.
Its standard input is a socket. Each byte on it brings three descriptors, the standard streams of a new errand, and a
fourth to which its process id is written, and later its exit code. The server ends when its socket is closed; errands
do so in their own way (see child.py).

Between server and errand stands a keeper. It tells the exit code before it reaps the errand, so that the process id
means the errand and nothing else as long as the worker may send it signals.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from orchestrator.process import environment

if TYPE_CHECKING:
    from collections.abc import Iterator

_MODULE = "orchestrator.run.remote.fork_server"
_REQUEST = b"+"


@dataclass
class ErrandProcess:
    """An errand that runs."""

    pid: int
    stdin: IO[bytes]
    stdout: IO[bytes]
    _told: IO[str]
    _code: int | None = None

    def wait(self) -> int:
        """Wait for its end; the exit code, or minus the signal that ended it."""
        if self._code is None:
            said = self._told.readline()
            self._code = int(said) if said else -signal.SIGKILL  # nobody is left who could tell
        return self._code

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        if self._code is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def close(self) -> None:
        """Kill it with its group if it still runs, and give up the streams."""
        if self._code is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self.wait()
        for stream in (self.stdin, self.stdout, self._told):
            with suppress(BrokenPipeError):
                stream.close()


class ForkServer:
    """The fork server of this process, which is started when it is needed. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._line: socket.socket | None = None
        self._server: subprocess.Popen[bytes] | None = None

    @contextmanager
    def started(self, stderr: IO[bytes]) -> Iterator[ErrandProcess]:
        """The process of an errand, which is killed if it still runs in the end. Raises OSError without a server."""
        # A server that was just ending has taken the request with it.
        process = self._start(stderr) or self._start(stderr)
        if process is None:
            raise ChildProcessError("the process from which errands are forked has ended")
        try:
            yield process
        finally:
            process.close()

    def warm(self) -> None:
        """Let the server load what errands need, if it is not there yet: there will be errands."""
        with self._lock, suppress(OSError):  # the first errand tells what is wrong
            if self._line is None:
                self._begin()

    def close(self) -> None:
        """End the server, if there is one. It ends with this process, too."""
        with self._lock:
            self._end()

    def _start(self, stderr: IO[bytes]) -> ErrandProcess | None:
        """A new errand; None when the server has ended before it could fork it."""
        stdin, stdin_end = os.pipe()
        stdout_end, stdout = os.pipe()
        told_end, told = os.pipe()
        try:
            self._ask([stdin, stdout, stderr.fileno(), told])
        except OSError:
            for each in (stdin_end, stdout_end, told_end):
                os.close(each)
            raise
        finally:
            for each in (stdin, stdout, told):
                os.close(each)
        streams = os.fdopen(stdin_end, "wb"), os.fdopen(stdout_end, "rb"), os.fdopen(told_end, encoding="ascii")
        said = streams[2].readline()
        if said:
            return ErrandProcess(int(said), *streams)
        for stream in streams:
            stream.close()
        return None

    def _ask(self, descriptors: list[int]) -> None:
        with self._lock:
            if self._line is not None:
                with suppress(OSError):  # it has ended: another one is started
                    socket.send_fds(self._line, [_REQUEST], descriptors)
                    return
                self._end()
            socket.send_fds(self._begin(), [_REQUEST], descriptors)

    def _begin(self) -> socket.socket:
        """Start a server. The result is the line to it."""
        line, theirs = socket.socketpair()
        argv = [sys.executable, "-P", "-m", _MODULE]
        with theirs:
            # What goes wrong there stands in this process's own errors.
            self._server = subprocess.Popen(
                argv, stdin=theirs.fileno(), stdout=subprocess.DEVNULL, env=environment(), start_new_session=True
            )
        self._line = line
        return line

    def _end(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None
        if self._server is not None:
            self._server.wait()
            self._server = None


def main() -> int:
    """Serve until nobody asks any more. In an errand: do it."""
    load()
    with socket.socket(fileno=os.dup(0)) as line:
        is_errand = _forked(line)
    if is_errand:
        from orchestrator.run.remote import child  # noqa: PLC0415 - `load` has loaded it

        child.main()
    return 0


def _forked(line: socket.socket) -> bool:
    """Fork an errand for each request. Returns True in an errand, and False when no request will come any more."""
    while True:
        asked, descriptors, *_ = socket.recv_fds(line, len(_REQUEST), 4)
        if not asked:
            return False
        if os.fork() == 0:
            line.close()
            if _kept(*descriptors):
                return True
        for each in descriptors:
            os.close(each)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _kept(stdin: int, stdout: int, stderr: int, told: int) -> bool:
    """Fork the errand, in a session of its own, and tell how it ends. Returns in the errand alone."""
    pid = os.fork()
    if pid == 0:
        os.setsid()
        for each, place in ((stdin, 0), (stdout, 1), (stderr, 2)):
            os.dup2(each, place)
            os.close(each)
        os.write(told, b"%d\n" % os.getpid())  # from now on its group can be killed
        os.close(told)
        return True
    for each in (stdin, stdout, stderr, 0):
        os.close(each)
    ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    if ended is not None:
        with suppress(BrokenPipeError):  # the worker is gone
            code = ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
            os.write(told, b"%d\n" % code)
        os.waitpid(pid, 0)
    os._exit(0)


def load() -> None:
    """Load what errands load, and the models of the services that they ask."""
    from orchestrator.aws.account import Account  # noqa: PLC0415 - a worker loads it when it has an errand
    from orchestrator.render import packer  # noqa: F401, PLC0415 - with Jinja, which a build needs
    from orchestrator.run.remote import child  # noqa: F401, PLC0415 - same
    from orchestrator.validate.validate import machine_gates  # noqa: PLC0415 - same

    machine_gates()
    account = Account("us-east-1", endpoint="http://127.0.0.1:9", access_key="none", secret_key="none")  # noqa: S106 - of nobody
    for make in (lambda: account.client("ec2"), lambda: account.client("s3"), lambda: account.client("ssm")):
        make()
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    sys.exit(main())
