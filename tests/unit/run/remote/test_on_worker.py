"""What a Dask worker does with an errand that shall be stopped: with a scheduler, and without a lab."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from distributed import Client, Event

from orchestrator.run.remote import on_worker
from tests.dask_programs import dask, kill
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psutil

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")


class Busy:
    """An errand that its process reads for ever, and so does not say a word.

    It sleeps a little at a time: Python looks for signals before no sleep, and one that came just then would be seen
    only after it.
    """

    name = "build tiny"

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, ("import time\nwhile True: time.sleep(0.1)",)


@pytest.fixture
def scheduler() -> Iterator[tuple[psutil.Process, str]]:
    port = str(free_port())
    with dask("scheduler", "--host", "127.0.0.1", "--port", port, env=os.environ) as process:
        yield process, f"tcp://127.0.0.1:{port}"


@pytest.fixture
def stops(scheduler: tuple[psutil.Process, str]) -> Iterator[list[Any]]:
    """The events by which an errand is stopped."""
    with connected(scheduler[1]) as client:
        yield [Event(name, client=client) for name in ("stop", "urgent")]  # type: ignore[no-untyped-call]
    on_worker._FORKS.close()


def connected(address: str) -> Any:
    """A client that waits no longer than two seconds for anything, once the scheduler is there."""
    deadline = time.monotonic() + 300
    while True:
        try:
            return Client(address, timeout=2, set_as_default=False)  # type: ignore[no-untyped-call]
        except OSError:
            if time.monotonic() > deadline:
                raise


def done(stops: list[Any]) -> Any:
    return on_worker._done(Busy(), lambda _line: None, stops)  # type: ignore[arg-type]


def test_errand_when_it_shall_stop(stops: list[Any]) -> None:
    """The process of the errand is interrupted when the event is set, and the answer says so."""
    threading.Timer(2, stops[0].set).start()
    assert done(stops).stopped


def test_errand_when_the_scheduler_dies(
    scheduler: tuple[psutil.Process, str], stops: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for it any more: it is interrupted, too."""
    monkeypatch.setattr(on_worker, "_PAUSE", 0.01)
    threading.Timer(2, lambda: kill(scheduler[0])).start()
    assert done(stops).stopped
