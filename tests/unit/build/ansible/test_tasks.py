"""Task events survive the file between Ansible and the driver, also when the writer dies in the middle of a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.build.ansible.task_writer import message_of
from orchestrator.build.ansible.tasks import Follower, TaskEvent, TaskOutcome, from_line

if TYPE_CHECKING:
    from pathlib import Path

EVENTS = st.builds(
    TaskEvent,
    *[st.text()] * 5,
    st.sampled_from(TaskOutcome),
    st.none() | st.floats(min_value=0, max_value=1e6),
    st.text(),
)


@given(EVENTS)
def test_event_survives_its_line(event: TaskEvent) -> None:
    assert from_line(event.as_line()) == event
    assert event.as_line().count("\n") == 1


@given(st.text())
def test_other_lines_are_no_events(line: str) -> None:
    assert from_line(line) is None


def test_follower_gives_each_event_once_and_waits_for_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "tasks.jsonl"
    follower = Follower(path)
    event = TaskEvent("", "base", "base.yml", "system", "Größe", TaskOutcome.OK)
    assert list(follower.read()) == []
    line = event.as_line()
    path.write_text(line + line[:10])
    assert list(follower.read()) == [event]
    assert list(follower.read()) == []
    with path.open("a") as file:
        file.write(line[10:])
    assert list(follower.read()) == [event]


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ({"msg": "No package nginz"}, "No package nginz"),
        ({"msg": "non-zero return code", "stderr": "E: lock held", "rc": 1}, "non-zero return code\nE: lock held"),
        ({"msg": "non-zero return code", "stdout": "boo", "stderr": ""}, "non-zero return code\nboo"),
        ({"censored": "hidden by no_log", "msg": "secret"}, "hidden by no_log"),
        (
            {"msg": "One or more items failed", "results": [{"item": "a"}, {"item": "b", "failed": True, "msg": "no"}]},
            "(item=b) no",
        ),
        ({}, "failed without a message"),
    ],
)
def test_message_of_a_failed_result_says_why(result: dict[str, Any], message: str) -> None:
    assert message_of(result) == message
