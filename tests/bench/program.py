"""Programs that a bench times: a few at once, their output kept in files, none left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

#: Where this virtual environment has its programs; Packer finds ansible-playbook there.
PROGRAMS = Path(sys.executable).parent

#: Seconds between two looks at programs that run.
_PACE = 0.02
#: Seconds that an interrupted program gets to clean up.
_GRACE = 60

#: A person's own settings of the tools, which reach neither side.
_PERSONAL = ("ANSIBLE_", "PKR_VAR_", "PACKER_", "AWS_", "MITOGEN_")


class Failed(Exception):
    """A program that is measured ended badly: there is nothing to compare."""


@dataclass(frozen=True)
class Command:
    """A program to time. What it prints goes to `log` (standard output) and `log` with `.err` added."""

    argv: Sequence[str]
    cwd: Path
    log: Path
    env: Mapping[str, str]


@dataclass(frozen=True)
class Ended:
    """How long a program took (seconds) and what it printed. `peak` is its resident memory at most, in MiB."""

    seconds: float
    out: str
    err: str
    peak: float


@dataclass(frozen=True)
class _Running:
    command: Command
    popen: subprocess.Popen[bytes]
    began: float


def environment() -> dict[str, str]:
    """What both sides inherit."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(_PERSONAL)}
    return {**own, "PATH": f"{PROGRAMS}:{os.environ['PATH']}", "CHECKPOINT_DISABLE": "1"}


def timed(command: Command) -> Ended:
    """Run one program. Raises Failed when it ends badly."""
    return at_most(1, [command], lambda _text: None)[0]


def at_most(count: int, commands: Sequence[Command], tell: Callable[[str], None]) -> list[Ended]:
    """Run programs, `count` at a time, each as soon as there is room. Raises Failed when one ends badly.

    `tell` hears of each that ended well.
    Those that still run when this is left, for whatever reason, are interrupted as Ctrl-C does it, and awaited.
    """
    waiting = list(enumerate(commands))
    running: dict[int, _Running] = {}
    ended: dict[int, Ended] = {}
    try:
        while waiting or running:
            while waiting and len(running) < count:
                place, command = waiting.pop(0)
                running[place] = _start(command)
            for place in list(running):
                if (done := _done(running[place])) is not None:
                    del running[place]
                    ended[place] = done
                    tell(f"{commands[place].log.name}: {done.seconds:.0f} s")
            time.sleep(_PACE)
    finally:
        _interrupt([one.popen for one in running.values()])
    return [ended[place] for place in sorted(ended)]


def _start(command: Command) -> _Running:
    command.log.parent.mkdir(parents=True, exist_ok=True)
    with command.log.open("wb") as out, _err(command).open("wb") as err:
        began = time.perf_counter()
        popen = subprocess.Popen(
            command.argv,
            cwd=command.cwd,
            env=dict(command.env),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
    return _Running(command, popen, began)


def _done(one: _Running) -> Ended | None:
    """What became of a program; None while it runs. Raises Failed."""
    pid, status, usage = os.wait4(one.popen.pid, os.WNOHANG)
    if not pid:
        return None
    seconds = time.perf_counter() - one.began
    code = one.popen.returncode = os.waitstatus_to_exitcode(status)
    out, err = (path.read_text(errors="replace") for path in (one.command.log, _err(one.command)))
    if code:
        said = "\n".join((out + err).strip().splitlines()[-20:])
        raise Failed(f"{' '.join(map(str, one.command.argv))} ended with exit code {code}:\n{said}")
    return Ended(seconds, out, err, usage.ru_maxrss / 1024)


def _err(command: Command) -> Path:
    return command.log.with_name(command.log.name + ".err")


def _interrupt(popens: Sequence[subprocess.Popen[bytes]]) -> None:
    alive = [popen for popen in popens if popen.returncode is None]
    for popen in alive:
        with suppress(ProcessLookupError):
            os.killpg(popen.pid, signal.SIGINT)
    deadline = time.monotonic() + _GRACE
    for popen in alive:
        with suppress(subprocess.TimeoutExpired):
            popen.wait(max(0.0, deadline - time.monotonic()))
        with suppress(ProcessLookupError):
            os.killpg(popen.pid, signal.SIGKILL)
        popen.wait()
