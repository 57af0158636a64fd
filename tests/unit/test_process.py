"""The one place that starts a program."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from orchestrator import process
from orchestrator.errors import Interrupted, LackError
from tests.waiting import until


def test_run_when_program_ends_well() -> None:
    """Both streams and the exit code come back apart."""
    done = process.run(["sh", "-c", "echo out; echo err >&2"])
    assert (done.code, done.out, done.err) == (0, "out\n", "err\n")


def test_run_when_program_is_fed() -> None:
    """Standard input is what was given, byte for byte."""
    assert process.run(["cat"], stdin=b"\xff\x00\n").stdout == b"\xff\x00\n"


def test_run_when_nothing_is_fed() -> None:
    """A program that reads standard input gets its end at once, and never the terminal's."""
    assert process.run(["cat"]).stdout == b""


def test_run_when_program_fails() -> None:
    """The error shows the command as one can paste it, the code, and what the program said."""
    with pytest.raises(process.ProgramFailed) as caught:
        process.run(["sh", "-c", "echo 'no such thing' >&2; exit 4"])
    assert (
        caught.value.message
        == "`sh -c 'echo '\"'\"'no such thing'\"'\"' >&2; exit 4'` ended with exit code 4:\nno such thing"
    )


def test_run_when_secret_is_in_the_command() -> None:
    """Neither the command nor its output shows a secret."""
    with pytest.raises(process.ProgramFailed) as caught:
        process.run(["sh", "-c", "echo hunter2 >&2; exit 1"], masks=["hunter2"])
    assert "hunter2" not in caught.value.message


def test_run_when_time_runs_out() -> None:
    """The program is ended, and what it had printed is kept."""
    with pytest.raises(process.ProgramFailed, match="did not end in time") as caught:
        process.run(["sh", "-c", "echo early; exec sleep 600"], timeout=3)
    assert caught.value.completed.out == "early\n"


def test_run_when_time_runs_out_and_a_child_holds_the_streams() -> None:
    """A program that was started in turn does not keep us waiting, however long it lives."""
    began = time.monotonic()
    with pytest.raises(process.ProgramFailed, match="did not end in time") as caught:
        process.run(["sh", "-c", "sleep 600 & echo $!; wait"], timeout=3)
    os.kill(int(caught.value.completed.out), signal.SIGKILL)
    assert time.monotonic() - began < 300


def test_run_when_program_is_missing() -> None:
    """A missing program is a lack of this machine, with the command that mends it."""
    with pytest.raises(LackError, match="'no-such-program' is not installed") as caught:
        process.run(["no-such-program"])
    assert caught.value.hint == "apt-get install no-such-program"


def test_started_when_left_early() -> None:
    """What still runs when the block is left is ended with all that it started."""
    with process.started(["sh", "-c", "sleep 60 & echo $!; wait"]) as popen:
        assert popen.stdout is not None
        child = int(popen.stdout.readline())
    until(lambda: not is_alive(child), "its end")


PARENT = """
import sys, time
from orchestrator.process import started
with started([sys.executable, "-c", "import time; print('up', flush=True); time.sleep(67.25)"]) as popen:
    popen.stdout.readline()
    print(popen.pid, flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="util-linux has no setpriv here")
def test_started_program_ends_when_its_starter_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    until(lambda: not is_alive(pid), "its end")


def is_alive(pid: int) -> bool:
    """Whether a process works on; a zombie that nobody waits for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_run_when_it_is_stopped() -> None:
    """The program is killed, and it is not called a failure of it."""
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    began = time.monotonic()
    with pytest.raises(Interrupted, match="`sleep 300` was stopped"):
        process.run(["sleep", "300"], stop=stop, timeout=600)
    assert time.monotonic() - began < 150


def test_run_when_it_could_be_stopped_and_is_not() -> None:
    """What is fed and what is said come through, however long it takes; the time is kept."""
    fed = b"x" * 1_000_000
    done = process.run(["sh", "-c", "sleep 0.5; cat; echo err >&2"], stdin=fed, stop=threading.Event())
    assert (done.stdout, done.err) == (fed, "err\n")
    with pytest.raises(process.ProgramFailed, match="did not end in time"):
        process.run(["sleep", "30"], timeout=0.5, stop=threading.Event())


def test_programs_have_a_utf8_locale_whatever_the_person_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the person's own is left, which ssh would hand on to a machine."""
    for name, value in {"LC_ALL": "C", "LC_TIME": "xx_YY", "LANG": "xx_YY.UTF-8", "LANGUAGE": "de"}.items():
        monkeypatch.setenv(name, value)
    printed = process.run(["env"]).out.splitlines()
    found = dict(line.split("=", 1) for line in printed if line.startswith(("LANG", "LC_")))
    assert set(found) == {"LANG", "LC_ALL"}
    assert found["LC_ALL"].lower().replace("-", "").endswith(".utf8")
    assert process.run(["locale", "charmap"]).out == "UTF-8\n"
    with_none = process.run(["env"], env={"LANG": None, "LC_ALL": None}).out
    assert "LC_ALL" not in with_none


@pytest.mark.parametrize(
    ("there", "expected"),
    [("C POSIX de_DE.utf8 en_GB.utf8", "en_GB.utf8"), ("de_DE.UTF-8 C.UTF-8", "C.UTF-8"), ("", "C.UTF-8")],
    ids=["an English one", "C.UTF-8", "no program locale"],
)
def test_the_locale_of_programs_is_one_that_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: str, expected: str
) -> None:
    if there:
        (tmp_path / "locale").write_text(f"#!/bin/sh\nprintf '%s\\n' {there}\n")
        (tmp_path / "locale").chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    process.utf8_locale.cache_clear()
    try:
        assert process.utf8_locale() == expected
    finally:
        process.utf8_locale.cache_clear()
