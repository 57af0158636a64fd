"""The tests of a workspace and of what it extends, as suites of their own: one for each level, the lowest first.

Python code of one level could change what the tests of another find out: a conftest.py sees all tests of its process,
and any module may replace functions of others. So no file of a workspace is in the process that runs the tests of what
it extends, and those have looked at the machine before.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.validate.suite.session import collect_each, laid_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from orchestrator.validate.batch.question import Question, Reply
    from orchestrator.validate.request import TestsRequest
    from orchestrator.validate.round import CallCount
    from orchestrator.validate.suite.answering import AnswersRounds
    from orchestrator.validate.suite.session import Suite


@dataclass(frozen=True)
class SuitePart:
    """The tests of one level: laid out, and how many there are."""

    suite: Suite
    level: int
    #: By role.
    counts: Mapping[str, int]

    @property
    def count(self) -> int:
        """How many tests there are."""
        return sum(self.counts.values())


@contextmanager
def parts_of(request: TestsRequest) -> Iterator[tuple[SuitePart, ...]]:
    """The parts that have tests to run, laid out and collected; those of `request.collected` are not collected again.

    Raises what `laid_out` and `collect` do.
    """
    levels = sorted({one.level for one in request.tests}, reverse=True) or [0]
    asked = [replace(request, tests=tuple(one for one in request.tests if one.level == level)) for level in levels]
    with ExitStack() as laid:
        suites = [(laid.enter_context(laid_out(one)), one) for one in asked]
        counts = _known(request, levels) or collect_each(suites)
        named = zip(levels, suites, counts, strict=True)
        parts = (SuitePart(suite, level, of_roles) for level, (suite, _), of_roles in named)
        yield tuple(part for part in parts if part.count)


def _known(request: TestsRequest, levels: Sequence[int]) -> tuple[dict[str, int], ...]:
    """How many tests each level has, by role, if all of them were collected before."""
    known = request.collected
    if request.selection.partial or any((one.level, one.role) not in known for one in request.tests):
        return ()
    return tuple({one.role: known[level, one.role] for one in request.tests if one.level == level} for level in levels)


class Turn:
    """A suite's turn to ask a machine that others have asked, and will ask afterwards.

    Each suite counts its questions from 0. On the machine no two may share a number: they get `before` more.
    """

    def __init__(self, machine: AnswersRounds, before: int, *, is_last: bool) -> None:
        self._machine = machine
        self._before = before
        self._is_last = is_last
        #: The number that the questions of the next turn begin with.
        self.following = before

    def ask(self, questions: Sequence[Question], tally: CallCount) -> Iterator[tuple[Reply, ...]]:
        """One round, as `AnswersRounds.ask`."""
        asked = [replace(one, number=one.number + self._before) for one in questions]
        self.following = max([self.following, *(one.number + 1 for one in asked)])
        for replies in self._machine.ask(asked, tally):
            yield tuple(replace(one, number=one.number - self._before) for one in replies)

    def close(self) -> None:
        """End what is still asked, if nobody asks afterwards."""
        if self._is_last:
            self._machine.close()
