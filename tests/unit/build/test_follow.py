"""Following a Packer that was interrupted."""

from __future__ import annotations

import io
import signal
import threading
from typing import TYPE_CHECKING

from orchestrator.build import follow
from orchestrator.build.ansible.tasks import Follower
from orchestrator.build.watch import Watch
from orchestrator.process import started

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from orchestrator.progress import Event

_DEAF = "trap '' INT; echo '1,,ui,say,begun'; while :; do sleep 0.1; done"


def test_a_packer_that_falls_silent_after_its_interrupt_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is interrupted once, killed when it says nothing more, and a person is told of both."""
    monkeypatch.setattr(follow, "_SILENCE", 0.3)
    told: list[Event] = []
    watch = Watch("web", told.append, io.StringIO())
    output, tasks = tmp_path / "out", Follower(tmp_path / "tasks.jsonl")
    with (
        output.open("wb") as written,
        output.open("rb") as read,
        started(["sh", "-c", _DEAF], stdout=written) as popen,
    ):
        follow.follow(
            popen,
            read,
            watch,
            tasks,
            why_stop=lambda: "asked to stop" if output.stat().st_size else "",
            urgent=threading.Event(),
        )
        assert popen.wait(60) == -signal.SIGKILL
    words = [event.message for event in told]
    assert words[-2:] == [
        "asked to stop: interrupting Packer, which cleans up",
        "Packer has said nothing for 0 s since it was interrupted: killing it",
    ]
