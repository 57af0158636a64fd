"""What a run writes of itself into its folder: each event as it happens, and in the end a summary.

What UTF-8 has no bytes for is escaped, as in every record: it may come from a test that failed. Secrets are hidden.
"""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from orchestrator.files.whole_file import RecordFile, write_whole
from orchestrator.masks import hidden, hide
from orchestrator.run.session.identity import SUMMARY_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from orchestrator.progress import Event, Listener


@contextmanager
def recorded(folder: Path, listener: Listener) -> Iterator[Listener]:
    """A listener that also writes each event to `events.jsonl` in the run's folder. Both get it without secrets."""
    lock = threading.Lock()
    with RecordFile(folder / "events.jsonl", errors="backslashreplace") as record:

        def hear(event: Event) -> None:
            event = replace(event, message=hide(event.message), task=hide(event.task))
            with lock:
                record.write(json.dumps(event.as_json(), ensure_ascii=False) + "\n")
            listener(event)

        yield hear


def write_summary(folder: Path, summary: Mapping[str, Any]) -> None:
    """Write a JSON object to `summary.json` in the run's folder."""
    text = json.dumps(hidden(dict(summary)), indent=2, ensure_ascii=False)
    write_whole(folder / SUMMARY_FILE, text + "\n", errors="backslashreplace")
