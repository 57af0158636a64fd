from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.validate.batch.question import Answer, Ended, Reply
from orchestrator.validate.excerpts import CUT, Excerpts, beginning, end, without_secrets
from orchestrator.validate.verdict import AskedCommand

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


@pytest.mark.parametrize("cut", [beginning, end])
@given(before=st.text("xy", max_size=60), after=st.text("xy", max_size=60), most=st.integers(0, 100))
def test_no_part_of_a_secret_is_left_where_a_text_was_cut(cut: object, before: str, after: str, most: int) -> None:
    """Wherever it was cut."""
    told = without_secrets(cut(before + SECRET + after, most), [SECRET])  # type: ignore[operator]
    left = told.replace(CUT, "").replace("********", "")
    assert set(left) <= {"x", "y", *"*"}


@pytest.mark.parametrize("cut", [beginning, end])
@given(text=st.text(max_size=50), most=st.integers(50, 60))
def test_a_text_that_is_short_enough_is_whole(cut: object, text: str, most: int) -> None:
    assert cut(text, most) == text  # type: ignore[operator]


def test_texts_are_masked_wherever_they_are() -> None:
    value = {"a": [f"x {SECRET}", 3, {"b": SECRET}], "c": None, "d": ("e", SECRET)}
    told = {"a": ["x ********", 3, {"b": "********"}], "c": None, "d": ["e", "********"]}
    assert without_secrets(value, ["", SECRET]) == told


def test_a_cut_text_stays_as_it_is_when_there_are_no_secrets() -> None:
    assert without_secrets(beginning("abcdef", 3), []) == "abc" + CUT


def test_commands_are_told_once_and_what_they_wrote_is_cut() -> None:
    excerpts = Excerpts()
    excerpts.note(3, b"seq", Reply(1, Ended.ANSWERED, Answer(0, b"1\n" * 9_000_000, b"2")))
    excerpts.note(3, b"sleep 1000", Reply(2, Ended.TIMED_OUT))
    excerpts.note(4, b"true", Reply(3, Ended.ANSWERED, Answer(1, b"out", b"err")))
    assert excerpts.of(3) == (AskedCommand("seq", "0", "1\n" * 1000 + CUT), AskedCommand("sleep 1000", "timed out"))
    assert excerpts.of(3) == ()
    assert excerpts.of(4) == (AskedCommand("true", "1", "outerr"),)


def test_of_a_test_that_polls_the_last_commands_are_kept() -> None:
    excerpts = Excerpts()
    for n in range(1000):
        excerpts.note(0, b"echo %d" % n, Reply(n, Ended.ANSWERED, Answer(0, b"", b"")))
    asked = excerpts.of(0)
    assert len(asked) == 200
    assert asked[-1].command == "echo 999"
