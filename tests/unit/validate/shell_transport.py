"""A transport for tests: this machine's own shell, with Run Command's limits, and whatever is to go wrong."""

from __future__ import annotations

import subprocess
import threading
from typing import TYPE_CHECKING

from orchestrator.validate.errors import CorruptResponse, NoResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orchestrator.validate.round import CallCount


class LocalShell:
    """Runs scripts as Run Command would. `mishaps` are used up one by one, by one script each."""

    longest_script = 48_000
    longest_output = 24_000

    def __init__(self, *mishaps: Callable[[LocalShell, str], str], shell: Sequence[str] = ("sh",)) -> None:
        self.scripts: list[str] = []
        self._mishaps = list(mishaps)
        self._shell = shell
        self._lock = threading.Lock()

    def run(self, script: str, seconds: float, tally: CallCount) -> str:
        tally.call("sh")
        with self._lock:
            self.scripts.append(script)
            mishap = self._mishaps.pop(0) if self._mishaps else None
        assert len(script) <= self.longest_script
        return mishap(self, script) if mishap else self.really(script, seconds)

    def really(self, script: str, seconds: float = 600) -> str:
        done = subprocess.run(self._shell, input=script.encode(), capture_output=True, timeout=seconds, check=False)
        assert not done.stderr, done.stderr
        if done.returncode:
            raise CorruptResponse(f"exit code {done.returncode}")
        return done.stdout.decode("utf-8", "replace")[: self.longest_output]


def well(shell: LocalShell, script: str) -> str:
    """Nothing goes wrong."""
    return shell.really(script)


def never_arrives(_shell: LocalShell, _script: str) -> str:
    raise NoResponse("nothing comes back")


def is_not_heard(shell: LocalShell, script: str) -> str:
    """The script runs, its answer is lost."""
    shell.really(script)
    raise NoResponse("nothing comes back")


def arrives_twice(shell: LocalShell, script: str) -> str:
    """At the same time; the second answer counts."""
    first = threading.Thread(target=shell.really, args=(script,))
    first.start()
    try:
        return shell.really(script)
    finally:
        first.join()


def is_cut(shell: LocalShell, script: str) -> str:
    said = shell.really(script)
    return said[: len(said) // 2]


def is_altered(shell: LocalShell, script: str) -> str:
    said = shell.really(script)
    middle = len(said) // 2
    return said[:middle] + ("B" if said[middle] != "B" else "C") + said[middle + 1 :]


def arrives_damaged(shell: LocalShell, script: str) -> str:
    """A letter of the payload is another one."""
    at = script.index("H4sI") + 100
    return shell.really(script[:at] + ("B" if script[at] != "B" else "C") + script[at + 1 :])
