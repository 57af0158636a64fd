"""A terminal that is really there: a pseudo-terminal, and an emulator that knows what stands on its screen."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyte

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

#: Lines of the emulated terminal, and of what has scrolled out at its top.
_LINES, _HISTORY = 40, 2000
#: How a question ends, and the seconds after which silence is the end.
_ASKED, _PATIENCE = b"]: ", 60
#: The key, and the seconds after which a person presses it again: Python misses a signal that arrives between the
#: print of the question and the read of the answer, until the next one comes.
_CTRL_C, _AGAIN = b"\x03", 3


@dataclass(frozen=True)
class Screen:
    """What a person sees in the end, from the first line on, and the exit code."""

    lines: tuple[str, ...]
    code: int
    #: What came, control sequences included.
    raw: str

    @property
    def text(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines)


def seen(
    argv: Sequence[str], columns: int, *, cwd: Path | None = None, keys: bytes = b"", env: dict[str, str] | None = None
) -> Screen:
    """Run a program on a terminal of so many columns, and type `keys` when it asks something."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", _LINES, columns, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", **(env or {})}
    for name in ("COLUMNS", "LINES", *(() if env and "NO_COLOR" in env else ("NO_COLOR",))):
        environment.pop(name, None)
    # `setsid --ctty` makes it the terminal that Ctrl-C comes from; who runs the tests may ignore that signal.
    with subprocess.Popen(
        ["env", "--default-signal=INT", "setsid", "--ctty", "--wait", *argv],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        cwd=cwd,
        env=environment,
    ) as process:
        os.close(follower)
        came, typed = b"", False
        while True:
            if typed and keys == _CTRL_C and not select.select([leader], [], [], _AGAIN)[0]:
                os.write(leader, keys)
            if not (chunk := _read(leader)):
                break
            came += chunk
            if keys and not typed and _ASKED in came:  # typed earlier, Ctrl-C would reach nobody
                os.write(leader, keys)
                typed = True
        os.close(leader)
    screen = pyte.HistoryScreen(columns, _LINES, history=_HISTORY, ratio=0.5)
    pyte.ByteStream(screen).feed(came)
    above = ["".join(row[place].data for place in range(columns)).rstrip() for row in screen.history.top]
    lines = [line.rstrip() for line in (*above, *screen.display)]
    while lines and not lines[-1]:
        lines.pop()
    return Screen(tuple(lines), process.returncode, came.decode("utf-8", "replace"))


def python(code: str) -> list[str]:
    """The command that runs some Python."""
    return [sys.executable, "-c", code]


def _read(leader: int) -> bytes:
    if not select.select([leader], [], [], _PATIENCE)[0]:
        return b""  # closing the terminal hangs it up
    try:
        return os.read(leader, 65536)
    except OSError:  # Linux says EIO once nobody holds the other end
        return b""
