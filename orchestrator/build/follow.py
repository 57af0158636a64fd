"""Following a running Packer: its output, the task events beside it, and the request to stop."""

from __future__ import annotations

import signal
import time
from typing import IO, TYPE_CHECKING

from orchestrator.process import kill_group

if TYPE_CHECKING:
    import subprocess
    import threading
    from collections.abc import Callable, Iterator

    from orchestrator.build.ansible.tasks import Follower
    from orchestrator.build.watch import Watch

#: Seconds between two looks at the output, at the task events and at the request to stop.
_PACE = 0.1
#: Seconds of silence after which a Packer that was interrupted is killed: to terminate a machine takes EC2 minutes, and
#: Packer is silent meanwhile. It has been seen to wait for ever for one that nobody could ask for any more.
_SILENCE = 600.0


def follow(
    popen: subprocess.Popen[bytes],
    output: IO[bytes],
    watch: Watch,
    tasks: Follower,
    *,
    why_stop: Callable[[], str],
    urgent: threading.Event,
) -> None:
    """Hand everything that a Packer process writes into the file `output` to `watch`, until it ends.

    As soon as `why_stop` gives a reason, Packer is interrupted, once: a second interrupt would make it give up its own
    cleaning. `urgent` kills it, and so does a long silence after the interrupt.
    """
    interrupted, heard = False, time.monotonic()
    for line in _lines(popen, output):
        watch.take_tasks(tasks.read())
        if line is not None:
            watch.take_line(line)
            heard = time.monotonic()
        if urgent.is_set():
            kill_group(popen)
        elif interrupted and time.monotonic() - heard > _SILENCE:
            _give_up(popen, watch)
            heard = time.monotonic()
        elif not interrupted and (why := why_stop()):
            interrupted, heard = True, time.monotonic()
            watch.note(f"interrupting Packer: {why}")
            watch.tell(f"{why}: interrupting Packer, which cleans up")
            kill_group(popen, signal.SIGINT)
    watch.take_tasks(tasks.read())


def _give_up(popen: subprocess.Popen[bytes], watch: Watch) -> None:
    """Kill a Packer that cleans up no more. What it leaves is then removed by us."""
    said = f"Packer has said nothing for {_SILENCE:.0f} s since it was interrupted: killing it"
    watch.note(said)
    watch.tell(said)
    kill_group(popen)


def _lines(popen: subprocess.Popen[bytes], output: IO[bytes]) -> Iterator[str | None]:
    """The lines that a process writes into a file, and None whenever it was silent for a while; until it ends.

    A file and no pipe: a Packer whose `ami` was killed must be able to write while it cleans up. Go ends a program
    that writes to standard output when nobody holds the other end of its pipe.
    """
    rest = b""
    while True:
        ended = popen.poll() is not None
        *whole, rest = (rest + output.read()).split(b"\n")
        for line in whole:
            yield line.decode("utf-8", "replace")
        if ended:
            break
        if not whole:
            yield None
            time.sleep(_PACE)  # `popen.wait` would look many times meanwhile
    if rest:
        yield rest.decode("utf-8", "replace")
