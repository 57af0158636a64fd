"""The same tests in plain pytest and in rounds, on this machine's own shell.

`python -m tests.unit.validate.reference_run`: reads one JSON object per line,
{"folder": ..., "arguments": [...], "rounds": true}, runs pytest there in a process of
its own, and writes one line with what came of it. Everything is imported once, so that a run costs little.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import testinfra.host

from orchestrator.validate.batch.question import Answer, Ended, Question, Reply
from orchestrator.validate.suite import fixtures
from orchestrator.validate.suite.backend import register
from orchestrator.validate.suite.plugin import RoundsPlugin
from orchestrator.validate.workers.facts import KnownFacts

if TYPE_CHECKING:
    from collections.abc import Sequence


class Here:
    """This machine, as a Machine and as an Asker."""

    def __init__(self) -> None:
        self.rounds: list[int] = []
        self._replies: list[tuple[int, tuple[Reply, ...]]] = []
        self._readable, self._writable = os.pipe()

    def fileno(self) -> int:
        return self._readable

    def send(self, number: int, waiting: int, questions: Sequence[Question]) -> None:  # noqa: ARG002 - of Machine
        self.rounds.append(len(questions))
        self._replies.append((number, tuple(_reply(question) for question in questions)))
        os.write(self._writable, b".")

    def receive(self) -> list[tuple[int, tuple[Reply, ...]] | Any]:
        os.read(self._readable, 1)
        return [self._replies.pop(0)]

    def ask(self, command: bytes, seconds: float, *, reads: bool) -> Answer:  # noqa: ARG002 - it is an Asker
        __tracebackhide__ = True  # a failure is shown where a test asked
        question = Question(0, command, seconds)
        return _reply(question).of(question)


def _reply(question: Question) -> Reply:
    try:
        done = subprocess.run(
            ["sh", "-c", question.command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=question.seconds,
            cwd="/",
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Reply(question.number, Ended.TIMED_OUT)
    return Reply(question.number, Ended.ANSWERED, Answer(done.returncode, done.stdout, done.stderr))


class Plain:
    """The fixture `host`, and a record of all that pytest is told."""

    def __init__(self, host: testinfra.host.Host) -> None:
        self.reports: list[dict[str, Any]] = []
        self.warnings: list[str] = []
        self._host = host
        self._process = os.getpid()

    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[fixtures.HOST] = self._host
        config.pluginmanager.register(fixtures)
        config.addinivalue_line("markers", "alone: runs by itself")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.reports.append(
            {
                "nodeid": report.nodeid,
                "when": report.when,
                "outcome": report.outcome,
                "wasxfail": getattr(report, "wasxfail", None),
                "text": report.longreprtext,
                "sections": [list(section) for section in report.sections],
                "properties": [list(one) for one in report.user_properties],
            }
        )

    def pytest_warning_recorded(self, warning_message: Any, nodeid: str) -> None:
        self.warnings.append(f"{nodeid}: {warning_message.message}")


def _ran(folder: str, arguments: list[str], *, rounds: bool) -> dict[str, Any]:
    here = Here()
    register()
    asker = KnownFacts({}) if rounds else here
    host = testinfra.host.get_host("ssm://here", asker=asker)
    plain = Plain(host)
    plugins: list[object] = [plain]
    if rounds:
        plugins.append(RoundsPlugin(here, host))
    code = pytest.main(["-p", "no:cacheprovider", "--color=no", f"--rootdir={folder}", *arguments, folder], plugins)
    return {
        "code": int(code),
        "reports": plain.reports,
        "warnings": plain.warnings,
        "rounds": here.rounds,
    }


def _in_a_child(folder: str, arguments: list[str], *, rounds: bool) -> dict[str, Any]:
    told = Path(folder, "result.json")
    printed = Path(folder, "printed.txt")
    pid = os.fork()
    if pid == 0:
        os.chdir(folder)
        with printed.open("wb") as stream:
            os.dup2(stream.fileno(), 1)
            os.dup2(stream.fileno(), 2)
        told.write_text(json.dumps(_ran(folder, arguments, rounds=rounds)))
        sys.stdout.flush()
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    result: dict[str, Any] = json.loads(told.read_text()) if told.exists() else {"status": status}
    result["printed"] = printed.read_text(errors="replace")
    told.unlink(missing_ok=True)
    printed.unlink()
    return result


def main() -> None:
    """Serve until there is nothing more to read."""
    lines = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        asked = json.loads(line)
        result = _in_a_child(asked["folder"], asked["arguments"], rounds=asked["rounds"])
        lines.write(json.dumps(result) + "\n")
        lines.flush()


if __name__ == "__main__":
    main()
