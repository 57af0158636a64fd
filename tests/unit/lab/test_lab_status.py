"""What is said of a lab."""

from __future__ import annotations

import os

from orchestrator.lab.lab_status import Condition, LabStatus, memory_of


def test_memory_of_when_a_process_is_there_and_gone() -> None:
    assert memory_of(os.getpid()) > 10
    assert memory_of(2**22 + 1) == 0


def test_status_when_a_lab_is_down() -> None:
    assert LabStatus("a", Condition.DOWN).as_json()["memory"] is None
    assert LabStatus("a", Condition.UP, memory=200).as_json()["memory"] == 200
