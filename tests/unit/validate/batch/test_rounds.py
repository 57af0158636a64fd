"""When a round is sent, and what is in it."""

from __future__ import annotations

import pytest

from orchestrator.validate.batch.question import Answer, Ended, Reply
from orchestrator.validate.batch.rounds import LONGEST, QUIET, SLOW, PendingQuestion, Rounds


def asked(asker: str, command: bytes = b"true", seconds: float = 120, *, reads: bool = True) -> PendingQuestion[str]:
    return PendingQuestion(asker, command, seconds, reads)


def answered(number: int) -> Reply:
    return Reply(number, Ended.ANSWERED, Answer(0, b"", b""))


@pytest.fixture
def rounds() -> Rounds[str]:
    return Rounds()


@pytest.mark.parametrize("running", [False, True])
def test_nothing_is_due_when_nothing_waits(running: bool, rounds: Rounds[str]) -> None:  # noqa: FBT001
    assert rounds.due(7, running=running) is None


def test_a_round_is_due_when_nobody_can_ask_any_more(rounds: Rounds[str]) -> None:
    rounds.add(asked("a"), now=7)
    assert rounds.due(7, running=False) == 0


def test_a_round_waits_until_it_is_quiet_for_those_that_may_still_ask(rounds: Rounds[str]) -> None:
    """Each question begins the quiet anew."""
    rounds.add(asked("a"), now=7)
    assert rounds.due(7, running=True) == pytest.approx(QUIET)
    assert rounds.due(7.1, running=True) == pytest.approx(QUIET - 0.1)
    rounds.add(asked("b"), now=7.2)
    assert rounds.due(7.2, running=True) == pytest.approx(QUIET)
    assert rounds.due(7.2 + QUIET, running=True) == pytest.approx(0)
    assert rounds.due(99, running=True) == 0


def test_no_question_waits_longer_than_the_longest(rounds: Rounds[str]) -> None:
    """Though it is never quiet; with the round that takes it, the next begins anew."""
    now = 7.0
    while now < 7 + LONGEST:
        rounds.add(asked("a"), now)
        due = rounds.due(now, running=True)
        assert due is not None
        assert now + due <= 7 + LONGEST + 1e-9
        now += QUIET / 2
    assert rounds.due(7 + LONGEST, running=True) == 0
    rounds.land(rounds.take(now)[0], [answered(1)])
    rounds.add(asked("a"), now)
    assert rounds.due(now, running=True) == pytest.approx(QUIET)


@pytest.mark.parametrize("running", [False, True])
def test_a_round_waits_for_the_one_before_but_not_for_a_slow_one(
    running: bool,  # noqa: FBT001
    rounds: Rounds[str],
) -> None:
    rounds.add(asked("a"), now=7)
    rounds.add(asked("b", b"false"), now=7)
    number, _, _ = rounds.take(7)
    rounds.add(asked("c"), now=7)
    assert rounds.due(7, running=running) == pytest.approx(SLOW)
    assert rounds.due(7 + SLOW, running=running) == 0
    rounds.land(number, [answered(1)])  # its first answer is enough
    assert rounds.due(8, running=running) == 0


def test_a_round_has_each_distinct_question_once(rounds: Rounds[str]) -> None:
    """One that has more time is another one. All that asked get the answer, once."""
    a, b, c, longer = asked("a"), asked("b", b"false"), asked("c"), asked("d", seconds=600)
    for one in (a, b, c, longer):
        rounds.add(one, now=7)
    number, waiting, questions = rounds.take(7)
    assert waiting == 4
    assert [(one.number, one.command, one.seconds) for one in questions] == [
        (1, b"true", 120),
        (2, b"false", 120),
        (3, b"true", 600),
    ]
    assert rounds.land(number, [answered(1)]) == [(a, answered(1)), (c, answered(1))]
    assert rounds.land(number, [answered(1)]) == []
    assert rounds.land(number, [answered(3), answered(2)]) == [(longer, answered(3)), (b, answered(2))]
    assert rounds.land(number, [answered(2)]) == []


def test_what_may_change_the_machine_runs_as_often_as_it_is_said(rounds: Rounds[str]) -> None:
    """In the order in which it is said, and never in the place of a question that only reads."""
    some = [asked("a", reads=False), asked("b"), asked("c", reads=False), asked("d"), asked("e", b"false", reads=False)]
    for one in some:
        rounds.add(one, now=7)
    number, waiting, questions = rounds.take(7)
    assert waiting == 5
    assert [one.command for one in questions] == [b"true", b"true", b"true", b"false"]
    assert [one.turn for one in questions] == [1, 0, 1, 2]
    replies = [answered(one.number) for one in questions]
    assert sorted(one.asker for one, _ in rounds.land(number, replies[1:2])) == ["b", "d"]
    assert [one.asker for one, _ in rounds.land(number, [replies[0], *replies[2:]])] == ["a", "c", "e"]


def test_equal_commands_of_different_rounds_share_their_turn(rounds: Rounds[str]) -> None:
    turns = []
    for one in (asked("a", reads=False), asked("b", b"false", reads=False), asked("c", reads=False), asked("d")):
        rounds.add(one, now=7)
        _, _, (question,) = rounds.take(7)
        turns.append(question.turn)
    assert turns == [1, 2, 1, 0]


def test_the_machine_is_touched_once_a_command_is_sent_that_may_change_it(rounds: Rounds[str]) -> None:
    rounds.add(asked("a"), now=7)
    rounds.take(7)
    assert not rounds.touched
    rounds.add(asked("b", reads=False), now=8)
    assert not rounds.touched
    rounds.take(8)
    assert rounds.touched


def test_a_command_that_is_asked_in_a_later_round_runs_again(rounds: Rounds[str]) -> None:
    """It may say something else then; no number is used twice."""
    rounds.add(asked("a"), now=7)
    first = rounds.take(7)
    rounds.add(asked("a"), now=8)
    second = rounds.take(8)
    assert [(number, [one.number for one in questions]) for number, _, questions in (first, second)] == [
        (1, [1]),
        (2, [2]),
    ]


def test_what_the_dead_have_asked_is_not_asked(rounds: Rounds[str]) -> None:
    rounds.add(asked("a"), now=7)
    rounds.add(asked("b"), now=7)
    rounds.forget(["a"])
    assert rounds.take(7)[1] == 1


def test_withdrawn_are_all_that_wait(rounds: Rounds[str]) -> None:
    """Those whose round is under way, too; what comes back later is nobody's."""
    rounds.add(asked("a"), now=7)
    number, _, _ = rounds.take(7)
    rounds.add(asked("b"), now=7)
    assert sorted(one.asker for one in rounds.withdraw()) == ["a", "b"]
    assert rounds.due(99, running=False) is None
    assert rounds.land(number, [answered(1)]) == []
