"""A program that has the terminal: its streams are this process's own, and so is what the keyboard sends.

Ctrl-C belongs to it. This process waits, and goes on when it has ended, whatever ended it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import termios
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from orchestrator.process import find

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import FrameType, TracebackType
    from typing import Self

#: What the keyboard sends to every process of the terminal's foreground.
_OF_KEYBOARD = (signal.SIGINT, signal.SIGQUIT)
#: What asks this process to end: the program is ended for it.
_ENDING = (signal.SIGTERM, signal.SIGHUP)
#: Seconds that a program has to end when it is asked.
_GRACE = 5
#: What shells add to the number of a signal that ended a program.
_BY_SIGNAL = 128


def foreground(argv: Sequence[str], *, env: Mapping[str, str] | None = None) -> tuple[int, bool]:
    """Run a program at the terminal: its exit code, as shells count it, and whether SIGTERM or SIGHUP ended it.

    `env` is added to this process's environment. Raises LackError when the program is not there. To be called in the
    main thread, which alone takes signals.
    """
    taken = _Signals()
    with _terminal_kept(), taken:
        code = taken.waited(subprocess.Popen([find(argv[0]), *argv[1:]], env={**os.environ, **(env or {})}))
    return (_BY_SIGNAL - code if code < 0 else code), taken.ended


class _Signals:
    """While it lasts, the keyboard's signals are the program's alone, and others end it."""

    def __init__(self) -> None:
        self.ended = False
        self._before: dict[signal.Signals, Any] = {}
        self._popen: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        wanted = {**dict.fromkeys(_OF_KEYBOARD, self._ignore), **dict.fromkeys(_ENDING, self._end)}
        wanted[signal.SIGALRM] = self._kill
        self._before = {number: signal.signal(number, handler) for number, handler in wanted.items()}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.alarm(0)
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def waited(self, popen: subprocess.Popen[bytes]) -> int:
        """The exit code of a program, once it has ended."""
        self._popen = popen
        if self.ended:  # a signal came before there was anything to end
            popen.terminate()
        return popen.wait()

    def _ignore(self, _number: int, _frame: FrameType | None) -> None:
        """A handler, and not SIG_IGN, which programs inherit."""

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self.ended = True
        signal.alarm(_GRACE)
        if self._popen is not None:
            self._popen.terminate()

    def _kill(self, _number: int, _frame: FrameType | None) -> None:
        if self._popen is not None:
            self._popen.kill()


@contextmanager
def _terminal_kept() -> Iterator[None]:
    """The settings of the terminal are afterwards as before: a program that was killed leaves it without echo."""
    if not sys.stdin.isatty():
        yield
        return
    settings = termios.tcgetattr(sys.stdin)
    try:
        yield
    finally:
        with suppress(termios.error):  # it is gone
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, settings)
