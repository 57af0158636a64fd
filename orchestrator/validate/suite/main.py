"""The process that runs the tests: `python -P -m orchestrator.validate.suite.main`.

The first line of its standard input is a SuiteRequest. Standard output carries one JSON object per line, as plugin.py
says, and nothing else; what pytest prints goes to standard error. The tests run in processes of their own, so that
nothing they do can touch the caller, and never meet AWS: questions to the machine go out as events, one for a round,

    {"event": "ask", "round": 3, "waiting": 41, "questions": [Question, ...]}

and what the machine says comes back as lines on standard input, replies as soon as they are known:

    {"round": 3, "replies": [Reply, ...]}
    {"fault": "why the machine cannot be asked any more"}
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pytest
import testinfra.host

from orchestrator.validate.batch.question import Reply
from orchestrator.validate.request import SuiteRequest
from orchestrator.validate.suite.backend import SsmBackend, register
from orchestrator.validate.suite.plugin import RoundsPlugin, SuitePlugin
from orchestrator.validate.workers.facts import KnownFacts
from orchestrator.validate.workers.ipc import Fault
from orchestrator.validate.workers.surroundings import Surroundings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orchestrator.validate.batch.question import Question

_CHUNK = 1 << 20


class RoundsCaller:
    """The machine, as whoever started this process reaches it: questions out, replies in."""

    def __init__(self, stdin: int, tell: Callable[[dict[str, Any]], None]) -> None:
        self._stdin = stdin
        self._tell = tell
        self._unread = b""

    def fileno(self) -> int:
        """The file descriptor on which lines come back."""
        return self._stdin

    def request(self) -> SuiteRequest:
        """The request, which is the first line of standard input."""
        (line,) = self._lines(1)
        return SuiteRequest.from_json(line.decode())

    def send(self, number: int, waiting: int, questions: Sequence[Question]) -> None:
        """Send the questions of a round, for which `waiting` tests wait."""
        asked = [question.as_json() for question in questions]
        self._tell({"event": "ask", "round": number, "waiting": waiting, "questions": asked})

    def receive(self) -> list[tuple[int, tuple[Reply, ...]] | Fault]:
        """What has come back; waits until something has."""
        return [_read(json.loads(line)) for line in self._lines()]

    def _lines(self, most: int = -1) -> list[bytes]:
        """Whole lines, waiting for the first. Raises EOFError."""
        while b"\n" not in self._unread:
            chunk = os.read(self._stdin, _CHUNK)
            if not chunk:
                raise EOFError("whoever started this process is gone")
            self._unread += chunk
        *lines, rest = self._unread.split(b"\n", most)
        self._unread = rest
        return lines


def _read(said: dict[str, Any]) -> tuple[int, tuple[Reply, ...]] | Fault:
    if "fault" in said:
        return Fault(said["fault"])
    return said["round"], tuple(Reply.from_json(one) for one in said["replies"])


def main() -> int:
    """Run or collect the tests. The exit code is pytest's."""
    lines, stdin = _own_streams()

    def tell(event: dict[str, Any]) -> None:
        lines.write(json.dumps(event) + "\n")
        lines.flush()

    caller = RoundsCaller(stdin, tell)
    request = caller.request()
    register()
    host = testinfra.host.get_host(f"{SsmBackend.NAME}://{request.instance_id}", asker=KnownFacts({}))
    suite, rounds = SuitePlugin(request, host, tell), RoundsPlugin(caller, host)
    suite.rounds = rounds
    surroundings = Surroundings(Path(request.root), suite.problem)
    code = int(pytest.main(_arguments(request), plugins=[suite, rounds, surroundings]))
    if rounds.fault:
        tell({"event": "fault", "text": rounds.fault})
    tell({"event": "end", "exit_code": code})
    return code


def _own_streams() -> tuple[IO[str], int]:
    """Take standard output and input away from everybody but us, and give the tests nothing to read."""
    lines = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    stdin = os.dup(sys.stdin.fileno())
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, sys.stdin.fileno())
    os.close(nothing)
    return lines, stdin


def _arguments(request: SuiteRequest) -> list[str]:
    folders = [f"{request.root}/{folder}" for folder in request.folders]
    return [
        f"--rootdir={request.root}",
        f"--confcutdir={request.root}",
        f"--config-file={request.root}/pytest.ini",
        "--import-mode=importlib",
        "--verbose",
        "--color=no",
        "-p",
        "no:cacheprovider",
        *([] if request.instance_id else ["--collect-only", "--quiet"]),
        *request.selection.arguments,
        *folders,
    ]


if __name__ == "__main__":
    sys.exit(main())
