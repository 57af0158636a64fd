"""The one place that starts a program: argv lists, no shell, a timeout, a log line one can paste, a UTF-8 locale.

Long-running programs are started in a process group of their own, so that Ctrl-C in a terminal reaches `ami`
alone and it decides what to tell whom. They are told to stop when `ami` dies without a word.
"""

from __future__ import annotations

import logging
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import Interrupted, LackError, StageError

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Mapping, Sequence
    from typing import IO

LOG = logging.getLogger(__name__)

#: Seconds between two looks at whether a program shall be stopped.
_LOOK = 0.2
#: Seconds in which a killed program's streams end, unless another process holds them.
_LAST_WORDS = 1.0

#: Variables that name a proxy, in both spellings that programs know.
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")

#: Debian packages that bring the programs this product starts.
PACKAGES = {
    "packer": "packer",
    "podman": "podman",
    "mmdebstrap": "mmdebstrap",
    "git": "git",
    "dpkg-deb": "dpkg",
    "ip": "iproute2",
    "ssh": "openssh-client",
    "nsenter": "util-linux",
}


@dataclass(frozen=True)
class Completed:
    """What a program left: its exit code (negative: the signal that ended it) and both streams."""

    argv: tuple[str, ...]
    code: int
    stdout: bytes
    stderr: bytes

    @property
    def out(self) -> str:
        """Standard output as text, undecodable bytes replaced."""
        return self.stdout.decode("utf-8", "replace")

    @property
    def err(self) -> str:
        """Standard error as text, undecodable bytes replaced."""
        return self.stderr.decode("utf-8", "replace")


class ProgramFailed(StageError):
    """A program ended with an unexpected exit code or ran out of time; `ended` says which."""

    def __init__(self, completed: Completed, *, masks: Sequence[str] = (), timed_out: bool = False) -> None:
        self.completed = completed
        self.ended = "did not end in time" if timed_out else f"ended with exit code {completed.code}"
        said = masked((completed.err or completed.out).strip(), masks)[-2000:]
        argv = masked(shlex.join(completed.argv), masks)
        super().__init__(f"`{argv}` {self.ended}" + (f":\n{said}" if said else ""))


def masked(text: str, masks: Sequence[str]) -> str:
    """`text` with every secret of `masks` replaced by asterisks."""
    for secret in masks:
        if secret:
            text = text.replace(secret, "********")
    return text


def find(program: str) -> str:
    """The absolute path of a program on PATH. Raises LackError, which names the Debian package."""
    found = shutil.which(program)
    if found is None:
        package = PACKAGES.get(program, program)
        raise LackError(f"the program '{program}' is not installed", hint=f"apt-get install {package}")
    return found


def installed_with_us(program: str) -> str | None:
    """The path of a program: the one that was installed with this package, else the one on PATH; None for none."""
    beside = Path(sys.executable).parent
    return shutil.which(program, path=f"{beside}{os.pathsep}{os.environ.get('PATH', os.defpath)}")


@cache
def utf8_locale() -> str:
    """The locale that every program gets, whatever this process's own is: `C.UTF-8`, or another one that is installed.

    Ansible works in no locale that is not UTF-8 or not there, what programs print is read as UTF-8, and builds come out
    alike whoever starts them. Raises LackError when the machine has none.
    """
    try:
        listed = subprocess.run(["locale", "-a"], capture_output=True, timeout=30, check=False).stdout
    except OSError:
        return "C.UTF-8"  # no GNU system: musl takes any name
    names = [name for name in listed.decode("ascii", "replace").split() if name.lower().endswith((".utf-8", ".utf8"))]
    if not names:
        raise LackError(
            "this machine has no UTF-8 locale, and Ansible works in no other",
            hint="apt-get install locales-all (Fedora and its kin: dnf install glibc-langpack-en)",
        )
    return min(names, key=lambda name: (not name.startswith("C."), not name.startswith("en_"), name))


def run(  # noqa: PLR0913 - each is an option of its own
    argv: Sequence[str],
    *,
    timeout: float = 120,
    stdin: bytes | None = None,
    env: Mapping[str, str | None] | None = None,
    cwd: Path | None = None,
    check: bool = True,
    masks: Sequence[str] = (),
    stop: threading.Event | None = None,
) -> Completed:
    """Run a program to its end. `timeout` in seconds; `env` is added to this process's environment, with another
    locale and no proxy for loopback; a variable that is None in `env` is taken out. `stop`, once set, kills it.

    Raises ProgramFailed on a non-zero exit code (unless `check=False`) and when time runs out, LackError when the
    program is not there, Interrupted when `stop` was set.
    """
    LOG.debug("run: %s", masked(shlex.join(argv), masks))
    with (
        _fed(stdin) as feed,
        subprocess.Popen(
            [find(argv[0]), *argv[1:]],
            stdin=feed,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(env),
            cwd=cwd,
        ) as popen,
    ):
        try:
            stdout, stderr = _communicated(popen, timeout, stop)
        except subprocess.TimeoutExpired:
            stdout, stderr = _killed(popen)
            late = Completed(tuple(argv), popen.returncode, stdout, stderr)
            raise ProgramFailed(late, masks=masks, timed_out=True) from None
        except BaseException:
            popen.kill()
            raise
        if popen.returncode is None:
            popen.kill()
            raise Interrupted(f"`{masked(shlex.join(argv), masks)}` was stopped")
    completed = Completed(tuple(argv), popen.returncode, stdout, stderr)
    LOG.debug("ended with exit code %d: %s", completed.code, argv[0])
    if check and completed.code != 0:
        raise ProgramFailed(completed, masks=masks)
    return completed


@contextmanager
def _fed(stdin: bytes | None) -> Iterator[int | IO[bytes]]:
    """What a program reads: a file, since a Popen that is asked again after a timeout writes no more to a pipe."""
    if stdin is None:
        yield subprocess.DEVNULL
        return
    with tempfile.TemporaryFile() as file:
        file.write(stdin)
        file.seek(0)
        yield file


def _communicated(popen: subprocess.Popen[bytes], timeout: float, stop: threading.Event | None) -> tuple[bytes, bytes]:
    """Both streams of a program that has ended, or that still runs because `stop` was set. Raises TimeoutExpired."""
    deadline = time.monotonic() + timeout
    while stop is None or not stop.is_set():
        left = max(0.0, deadline - time.monotonic())
        try:
            return popen.communicate(timeout=left if stop is None else min(_LOOK, left))
        except subprocess.TimeoutExpired:
            if time.monotonic() >= deadline:
                raise
    return b"", b""


def _killed(popen: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    """Kill a program: both its streams. What it started may hold them for ever: then what was written until now."""
    popen.kill()
    try:
        return popen.communicate(timeout=_LAST_WORDS)
    except subprocess.TimeoutExpired as held:
        return held.stdout or b"", held.stderr or b""


@contextmanager
def started(
    argv: Sequence[str],
    *,
    env: Mapping[str, str | None] | None = None,
    cwd: Path | None = None,
    stdin: int | IO[bytes] = subprocess.DEVNULL,
    stdout: int | IO[bytes] = subprocess.PIPE,
    stderr: int | IO[bytes] = subprocess.STDOUT,
    masks: Sequence[str] = (),
) -> Iterator[subprocess.Popen[bytes]]:
    """A long-running program in a process group of its own, killed with its group if it still runs at the end.

    It gets SIGTERM when the thread that started it ends, and so when this process is killed: see `_mortal`.
    """
    LOG.debug("start: %s", masked(shlex.join(argv), masks))
    popen = subprocess.Popen(
        _mortal([find(argv[0]), *argv[1:]]),
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        env=environment(env),
        cwd=cwd,
        start_new_session=True,
    )
    try:
        yield popen
    finally:
        if popen.poll() is None:
            kill_group(popen)
        popen.wait()
        if popen.stdout is not None:
            popen.stdout.close()


def _mortal(argv: list[str]) -> list[str]:
    """The command that ends with whoever starts it, where util-linux's setpriv is there to arrange it (prctl(2),
    PR_SET_PDEATHSIG).

    Not by `preexec_fn`: Python code between fork and exec may deadlock in a process with threads, and this one has
    many. Linux watches the thread that forked, not its process. Whoever uses `started` stays in its `with` block
    until the program has ended, so that this thread outlives the program unless the whole process is killed. Not
    SIGINT: the Packer that is started is a wrapper around the one that works, and hands on SIGTERM alone.
    """
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM", "--", *argv] if setpriv else argv


def detached(argv: Sequence[str], *, log: Path, env: Mapping[str, str | None] | None = None) -> int:
    """Start a program that outlives this one, in a session of its own; both its streams go to `log`. Its pid."""
    LOG.debug("detach: %s", shlex.join(argv))
    with log.open("ab") as stream, Path(os.devnull).open("rb") as nothing:
        return os.posix_spawn(
            find(argv[0]),
            list(argv),
            environment(env),
            file_actions=[
                (os.POSIX_SPAWN_DUP2, each.fileno(), to) for each, to in ((nothing, 0), (stream, 1), (stream, 2))
            ],
            setsid=True,
        )


def kill_group(popen: subprocess.Popen[bytes], number: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal to a program that `started` began, and to everything that it started in turn."""
    try:
        os.killpg(popen.pid, number)
    except ProcessLookupError:
        LOG.debug("process group %s is gone already", popen.pid)


def _loopback_directly(inherited: Mapping[str, str]) -> dict[str, str]:
    """The exceptions from a person's proxies, so that no program asks a proxy for this machine itself."""
    if not any(inherited.get(name) for name in _PROXIES):
        return {}
    given = inherited.get("no_proxy") or inherited.get("NO_PROXY") or ""
    entries = [entry.strip() for entry in given.split(",") if entry.strip()]
    exceptions = ",".join(dict.fromkeys([*entries, "localhost", "127.0.0.1", "::1"]))
    return {"NO_PROXY": exceptions, "no_proxy": exceptions}


def _is_of_locale(name: str) -> bool:
    return name in ("LANG", "LANGUAGE") or name.startswith("LC_")


def environment(extra: Mapping[str, str | None] | None = None) -> dict[str, str]:
    """What a program gets: this process's environment with a UTF-8 locale and no proxy for loopback, then `extra`."""
    inherited = {name: value for name, value in os.environ.items() if not _is_of_locale(name)}
    locale = dict.fromkeys(("LANG", "LC_ALL"), utf8_locale())
    given = {**inherited, **locale, **_loopback_directly(inherited), **(extra or {})}
    return {name: value for name, value in given.items() if value is not None}
