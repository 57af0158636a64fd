"""Requests to stop a task that runs elsewhere."""

from __future__ import annotations

import threading

from orchestrator.run.remote.stops import Stops


def test_requests_when_they_are_made() -> None:
    """Each is passed on once, in the order in which it was made."""
    stop, urgent = threading.Event(), threading.Event()
    stops = Stops(stop, urgent, "stop", "urgent", {"build web"})
    assert stops.due() == ()
    stop.set()
    assert [stops.due(), stops.due()] == [("stop",), ()]
    urgent.set()
    assert stops.due() == ("urgent",)


def test_task_when_no_worker_has_begun_it() -> None:
    """It is given up at once; one that was begun ends by itself."""
    stop, begun = threading.Event(), set[str]()
    stops = Stops(stop, threading.Event(), "stop", "urgent", begun)
    assert not stops.in_vain("build web")
    stop.set()
    assert stops.in_vain("build web")
    begun.add("build web")
    assert not stops.in_vain("build web")
