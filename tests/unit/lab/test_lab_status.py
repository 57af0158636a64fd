"""What is said of a lab."""

from __future__ import annotations

import os

from orchestrator.lab.lab_status import Condition, LabStatus, memory_of
from orchestrator.lab.settings import Settings


def test_memory_of_when_a_process_is_there_and_gone() -> None:
    assert memory_of(os.getpid()) > 10
    assert memory_of(2**22 + 1) == 0


def test_status_when_a_lab_is_down() -> None:
    assert LabStatus("a", Condition.DOWN).as_json()["memory"] is None
    assert LabStatus("a", Condition.UP, memory=200).as_json()["memory"] == 200


def test_status_when_a_lab_is_not_like_aws() -> None:
    """Whoever meets a lab that somebody else started reads what to expect of it."""
    asked = Settings("a", 4999, command_delay=0.0, image_delay=2.5, real_agent=True, enforce_iam=True, lenient=True)
    told = LabStatus("a", Condition.UP, settings=asked)
    assert list(told.ways) == [
        "its machines install the real amazon-ssm-agent",
        "a command of Systems Manager costs 0 s; an image is pending for 2.5 s",
        "callers may do only what policies allow",
        "what a call asks for and the lab ignores is written to its log, and not refused",
    ]
    assert told.as_json()["settings"] == {
        "agent": "real",
        "agent_waits": 1.0,
        "command_delay": 0.0,
        "image_delay": 2.5,
        "realistic": False,
        "lenient": True,
        "enforce_iam": True,
    }
    assert LabStatus("a", Condition.DOWN).as_json()["settings"] is None
    assert list(LabStatus("a", Condition.DOWN).ways) == []
