"""What Testinfra asks of a path in many commands, asked in one.

`host.file(path)` runs a command for each attribute, so that a test of mode, owner and group would take three rounds.
The first of these questions asks for all attributes, in one `stat`; the others are answered from that. What was read
with another attribute serves once, and only while the test does nothing else. It is forgotten when anything else is
asked and when the process forks, so that no test meets a path as it was before its own commands.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from orchestrator.validate.batch.question import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Testinfra's questions (testinfra/modules/file.py, File and GNUFile) and where their answers stand.
_TESTS = {f"test -{letter} %s": place for place, letter in enumerate("efdxpSL")}
_STATS = {f"stat -Lc %%{letter} %s": place for place, letter in enumerate("UuGgaYsi")}

#: Names of users and groups hold no colon. The codes come first: `stat` may say nothing.
_ALL = (
    'p=%s; for t in e f d x p S L; do test -"$t" "$p"; printf "%%s " "$?"; done; echo; '
    'exec stat -Lc %%U:%%u:%%G:%%g:%%a:%%Y:%%s:%%i "$p"'
)
_REST = (_ALL % "").removeprefix("p=")
#: What it writes; values only when there is such a path, for which `stat` ends with 0, and else with 1.
_SAID = re.compile(rb"(?P<codes>(?:\d+ ){%d})\n(?P<values>(?:[^:]*(?::[^:]*){%d}\n)?)" % (len(_TESTS), len(_STATS) - 1))
#: Seconds for which what was read with another attribute is as good as new.
_FRESH = 0.5


class Attributes:
    """The memory of one process. One that has forked keeps nothing: what it has forked may change the machine."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[tuple[str, str, str], Answer] = {}
        self._read = 0.0
        #: How often all was forgotten. What is read meanwhile, in another thread, is not kept.
        self._forgotten = 0
        self._has_forked = False
        os.register_at_fork(before=self.forget, after_in_parent=self._fork)

    def _fork(self) -> None:
        self._has_forked = True

    @staticmethod
    def covers(template: str) -> bool:
        """Whether a question is one of these."""
        return template in _TESTS or template in _STATS

    @staticmethod
    def all_of(quote: Callable[[str, str], str], path: str) -> str:
        """The command that asks for all attributes of a path."""
        return quote(_ALL, path)

    @staticmethod
    def told(command: str) -> str:
        """A command for people: one that asks for all attributes as the plain `stat` that it stands for."""
        if command.startswith("p=") and command.endswith(_REST):
            return f"stat -L {command.removeprefix('p=').removesuffix(_REST)}"
        return command

    def forget(self) -> None:
        """Let nothing be answered from what was read so far."""
        self._forgotten += 1
        self._kept.clear()

    @contextmanager
    def forgotten(self) -> Iterator[None]:
        """While it lasts something else is asked, which may change what was read, also by another thread."""
        __tracebackhide__ = True
        self.forget()
        try:
            yield
        finally:
            self.forget()

    def ask(self, template: str, path: str, run: Callable[[str, str], Answer], user: str = "") -> Answer:
        """The answer to a question about a path, asked as `user`. `run` runs a template with the path."""
        __tracebackhide__ = True
        if self._clock() - self._read > _FRESH:
            self.forget()
        kept = self._kept.pop((template, path, user), None)
        if kept is not None:
            return kept
        forgotten = self._forgotten
        answers = _cut(run(_ALL, path))
        if answers is None:
            return run(template, path)
        answer = answers.pop(template)
        if forgotten == self._forgotten and not self._has_forked:
            self._read = self._clock()
            self._kept.update({(one, path, user): other for one, other in answers.items()})
        return answer


def _cut(answer: Answer) -> dict[str, Answer] | None:
    """The answers to all questions from that to the one; None when it was killed, or never began (an unknown user)."""
    found = _SAID.fullmatch(answer.stdout)
    if found is None or answer.code not in {0, 1} or bool(found["values"]) != (answer.code == 0):
        return None
    said, values = found["codes"].split(), found["values"]
    answers = {template: Answer(int(said[place]), b"", b"") for template, place in _TESTS.items()}
    parts = values.rstrip(b"\n").split(b":")
    for template, place in _STATS.items():
        value = parts[place] + b"\n" if answer.code == 0 else b""
        answers[template] = Answer(answer.code, value, answer.stderr)
    return answers
