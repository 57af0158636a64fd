"""Following a running Packer: its output, the task events beside it, and the request to stop."""

from __future__ import annotations

import os
import select
import signal
from typing import TYPE_CHECKING

from orchestrator.process import kill_group

if TYPE_CHECKING:
    import subprocess
    import threading
    from collections.abc import Iterator

    from orchestrator.build.tasks import Follower
    from orchestrator.build.watch import Watch

#: Seconds between two looks at the task events and at the request to stop.
_PACE = 0.2


def follow(
    popen: subprocess.Popen[bytes], watch: Watch, tasks: Follower, *, stop: threading.Event, urgent: threading.Event
) -> None:
    """Hand everything that a Packer process says to `watch`, until it ends.

    `stop` interrupts it once: a second interrupt would make Packer give up its own cleaning. `urgent` kills it.
    """
    interrupted = False
    for line in _lines(popen):
        watch.take_tasks(tasks.read())
        if line is not None:
            watch.take_line(line)
        if urgent.is_set():
            kill_group(popen)
        elif stop.is_set() and not interrupted:
            interrupted = True
            watch.note("interrupting Packer")
            watch.tell("interrupting Packer, which cleans up")
            kill_group(popen, signal.SIGINT)
    watch.take_tasks(tasks.read())


def _lines(popen: subprocess.Popen[bytes]) -> Iterator[str | None]:
    """The lines of a process's output, and None whenever it was silent for a while.

    Ends with the output; or with the process, when something that outlives it holds its output open.
    """
    assert popen.stdout is not None  # noqa: S101 - `started` always pipes it
    descriptor = popen.stdout.fileno()
    rest = b""
    while True:
        ended = popen.poll() is not None
        if not select.select([descriptor], [], [], _PACE)[0]:
            yield None
            if ended:
                break
            continue
        chunk = os.read(descriptor, 65536)
        if not chunk:
            break
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.decode("utf-8", "replace")
    if rest:
        yield rest.decode("utf-8", "replace")
