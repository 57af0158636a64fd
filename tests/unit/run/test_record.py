"""What a run writes of itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from orchestrator.progress import Event, Stage
from orchestrator.run.outcome import SegmentOutcome, SegmentStatus, Summary
from orchestrator.run.session.journal import recorded, write_summary

if TYPE_CHECKING:
    from pathlib import Path

LONE = b"caf\xe9".decode("utf-8", "surrogateescape")


def test_events_are_written_whatever_they_say(tmp_path: Path) -> None:
    heard: list[Event] = []
    with recorded(tmp_path, heard.append) as listener:
        listener(Event("web", Stage.TEST, message=LONE))
    (line,) = (tmp_path / "events.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["message"] == heard[0].message == LONE


def test_a_summary_is_written_whatever_it_says(tmp_path: Path) -> None:
    summary = Summary("run", str(tmp_path), (SegmentOutcome("web", SegmentStatus.REJECTED, reason=LONE),))
    write_summary(tmp_path, summary.as_json())
    (told,) = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))["images"]
    assert told["reason"] == LONE
