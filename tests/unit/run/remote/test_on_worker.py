"""What a Dask worker does with an errand that shall be stopped, with a scheduler that is in this process."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from distributed import Client, Event, LocalCluster

from orchestrator.run.remote import on_worker

if TYPE_CHECKING:
    from collections.abc import Iterator


class Busy:
    """An errand that sleeps while its process reads it, and so does not say a word."""

    name = "build tiny"

    def __reduce__(self) -> tuple[Any, ...]:
        return time.sleep, (120,)


@pytest.fixture
def client() -> Iterator[Any]:
    cluster: Any = LocalCluster(n_workers=0, processes=False, dashboard_address=None)  # type: ignore[no-untyped-call]
    with cluster, Client(cluster) as made:  # type: ignore[no-untyped-call]
        yield made
    on_worker._FORKS.close()


def done(stops: list[Any]) -> Any:
    return on_worker._done(Busy(), lambda _line: None, stops)  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_errand_when_it_shall_stop(client: Any) -> None:
    """The process of the errand is interrupted as soon as the event is set, and the answer says so."""
    stops: list[Any] = [Event(name, client=client) for name in ("stop", "urgent")]  # type: ignore[no-untyped-call]
    timer = threading.Timer(2, stops[0].set)
    timer.start()
    began = time.monotonic()
    assert done(stops).stopped
    assert time.monotonic() - began < 60


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_errand_when_the_scheduler_is_gone(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for it any more: it is interrupted, too."""
    monkeypatch.setattr(on_worker, "_PAUSE", 0.01)
    stops: list[Any] = [Event(name, client=client) for name in ("stop", "urgent")]  # type: ignore[no-untyped-call]
    client.close()
    assert done(stops).stopped
