"""Recordings are read whole, and told again as the present build's."""

from __future__ import annotations

import pytest

from orchestrator.build.ansible.tasks import TaskOutcome
from tests.packers.install import VERSIONS
from tests.packers.recording import FOLDER, Line, attempts, cases, line_of, part, replaced
from tests.packers.story import Story

RECORDED = [(version, case) for version in VERSIONS for case in cases(version)]


@pytest.mark.parametrize(("version", "case"), RECORDED)
def test_recording_is_printed_as_it_was_read(version: str, case: str) -> None:
    raw = (FOLDER / version / f"{case}.txt").read_text().splitlines()
    read = [str(line) for attempt in attempts(version, case) for line in attempt.lines]
    assert read == [line.rstrip("\n") for line in raw]


@pytest.mark.parametrize("version", VERSIONS)
def test_attempts_are_told_apart(version: str) -> None:
    """A machine that is lost is no end of Packer's own: it hangs until it is interrupted."""
    counts = {case: len(attempts(version, case)) for case in cases(version) if case != "no-plugins"}
    twice = {"machine-lost", "create-image-5xx"} | ({"ids-late"} if version == "1.16.0" else set())
    assert {case for case, count in counts.items() if count == 2} == twice
    assert set(counts.values()) == {1, 2}
    ended = {case: {one.ended for one in attempts(version, case)} for case in counts}
    assert {case for case, ends in ended.items() if ends == {False}} == {"machine-lost", "interrupted"}


def test_name_that_is_free_is_not_told_as_used() -> None:
    """The second attempt of `ids-late` failed because the first had left its AMI."""
    assert part("1.16.0", "ids-late", 2, name_is_used=True).name_was_used
    assert part("1.16.0", "ids-late", 2, name_is_used=False) == attempts("1.16.0", "ok")[0]
    assert part("1.6.6", "ok", 3, name_is_used=True) == attempts("1.6.6", "ok")[0]


def test_names_of_the_recorded_build_are_replaced() -> None:
    line = line_of("17,amazon-ebs.tiny,artifact,0,id,us-east-1:ami-1")
    changed = replaced(line, {"amazon-ebs.tiny": "amazon-ebs.web", "ami-1": "ami-2"}, 18)
    assert changed == Line(18, "amazon-ebs.web", "artifact", ("0", "id", "us-east-1:ami-2"))


@pytest.mark.parametrize("version", VERSIONS)
def test_story_of_a_failed_task(version: str) -> None:
    """With its layer, its role and what it said, as Ansible's own events have it."""
    story = Story()
    told = [event for line in attempts(version, "failed-task")[0].lines for event in story.events(line.text)]
    assert [(one.layer, one.role, one.task, one.event) for one in told][-2:] == [
        ("workload", "broken", "Install the impossible", TaskOutcome.START),
        ("workload", "broken", "Install the impossible", TaskOutcome.FAILED),
    ]
    assert told[-1].message == "non-zero return code\nthree"
    assert {one.event for one in told} == {TaskOutcome.START, TaskOutcome.OK, TaskOutcome.CHANGED, TaskOutcome.FAILED}


def test_story_is_the_same_in_all_versions() -> None:
    stories = []
    for version in VERSIONS:
        story = Story()
        told = [event for line in attempts(version, "ok")[0].lines for event in story.events(line.text)]
        stories.append([(one.layer, one.role, one.task, one.event) for one in told])
    assert stories[0] == stories[1] == stories[2]
    assert {layer for layer, *_ in stories[0]} == {"base", "seal"}
