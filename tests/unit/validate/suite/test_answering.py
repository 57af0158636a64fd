"""Rounds of a process, answered beside each other."""

from __future__ import annotations

import json
import subprocess
import threading
from typing import TYPE_CHECKING, Any

from orchestrator.validate.batch.question import Answer, Ended, Question, Reply
from orchestrator.validate.suite.answering import Answering

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestrator.validate.round import CallCount


class Machine:
    """Answers `quick` at once, and everything else when it is closed."""

    def __init__(self) -> None:
        self._closed = threading.Event()

    def ask(self, questions: Sequence[Question], tally: CallCount) -> Iterator[tuple[Reply, ...]]:
        tally.call("asked")
        for one in questions:
            if one.command != b"quick":
                self._closed.wait(60)
            yield (Reply(one.number, Ended.ANSWERED, Answer(0, b"", b"")),)

    def close(self) -> None:
        self._closed.set()


def event(number: int, command: bytes) -> dict[str, Any]:
    return {"round": number, "waiting": 1, "questions": [Question(number, command).as_json()]}


def test_slow_rounds_keep_back_no_other() -> None:
    """However many there are."""
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        with Answering(process, Machine()) as answering:
            for number in range(100):
                answering.ask(event(number, b"slow"))
            answering.ask(event(100, b"quick"))
            assert process.stdout is not None
            assert json.loads(process.stdout.readline())["round"] == 100
        assert [one.number for one in answering.rounds] == list(range(101))
        assert answering.calls == {"asked": 101}
        process.stdout.read()
