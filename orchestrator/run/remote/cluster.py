"""A Dask scheduler with its workers, as the process sees it that a person started. Dask is met here and on workers.

What is wrong with it is a LackError: a person can mend it, and go on.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from contextlib import contextmanager, suppress
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from orchestrator.errors import Interrupted, LackError
from orchestrator.run.remote.on_worker import examined, other_program, perform
from orchestrator.run.remote.program import this_program

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from orchestrator.run.remote.errand import ErrandResult
    from orchestrator.run.remote.scheduler_address import SchedulerAddress
    from orchestrator.run.remote.stops import Stops

#: Seconds in which a scheduler must answer, and in which the connection is closed in the end.
_ANSWERS, _CLOSES = 5, 5
#: Seconds between two looks at a task, and between two at which workers there are.
_LOOK, _COUNT = 0.2, 5.0
#: Seconds for which a run waits without any worker.
PATIENCE = 60.0

_INSTALL = "pip install 'ami-factory[dask]'"


class Cluster:
    """A connection to a scheduler. Methods may be called from several threads, and raise LackError when it is lost."""

    def __init__(self, client: Any, address: SchedulerAddress) -> None:
        self.address = address
        self._client = client
        self._counting = threading.Lock()
        self._counted = self._there = time.monotonic()
        self._threads = dict[str, int](client.nthreads())

    @property
    def threads(self) -> dict[str, int]:
        """How many tasks each worker does at a time, by its address."""
        return dict(self._threads)

    def examine(self, asked: bytes) -> dict[str, tuple[str, ...]]:
        """What each worker lacks for a run; see `on_worker.examined`."""
        return self._on_each(examined, this_program(), asked)

    def other_programs(self) -> dict[str, tuple[str, ...]]:
        """What each worker says that has another `ami`, or none."""
        return self._on_each(other_program, this_program())

    def _on_each(self, function: Callable[..., Any], *arguments: Any) -> dict[str, tuple[str, ...]]:
        """The problems that a function finds on workers, by their addresses."""
        found: dict[str, tuple[str, ...]] = {}
        for worker, answer in self._client.run(function, *arguments, on_error="return").items():
            if isinstance(answer, ImportError | AttributeError):
                found[worker] = (f"it has no ami of this version ({answer})",)
            elif isinstance(answer, BaseException):
                found[worker] = (f"its check failed: {answer!r}",)
            elif answer:
                found[worker] = answer
        return found

    @contextmanager
    def hearing(self, topic: str, hear: Callable[[dict[str, Any]], None]) -> Iterator[None]:
        """Give `hear` what workers tell of a topic, in a thread of Dask's."""
        self._client.subscribe_topic(topic, lambda event: hear(event[1]))
        try:
            yield
        finally:
            with suppress(Exception):  # the scheduler may be gone
                self._client.unsubscribe_topic(topic)

    def done(self, key: str, content: bytes, stops: Stops, task: str, but: Collection[str]) -> ErrandResult:
        """The answer to what `content` asks (see `on_worker.WorkerRequest`), from whichever worker does it.

        A worker that is lost does not matter: another one does it again. `but` are workers that shall not, and
        `task` is the name by which `stops` knows it.
        """
        workers = [one for one in self._current() if one not in but] if but else None
        if workers == []:
            raise LackError(f"no worker of {self.address} can do this run")
        future = self._client.submit(perform, this_program(), content, key=key, pure=False, workers=workers)
        ended = threading.Event()
        future.add_done_callback(lambda _future: ended.set())
        while not ended.wait(_LOOK):
            self._check()
            for name in stops.due():
                self._event(name).set()
            if stops.in_vain(task):
                future.cancel()
                raise Interrupted("stopped before it was begun")
        return self._result(future)

    def _event(self, name: str) -> Any:
        from distributed import Event  # noqa: PLC0415 - only here

        return Event(name, client=self._client)  # type: ignore[no-untyped-call]

    def _check(self) -> None:
        """Raise LackError when the scheduler is gone, or all workers are for too long."""
        if self._client.status not in ("running", "connecting"):
            raise self._gone()
        if not self._current() and time.monotonic() - self._there > PATIENCE:
            raise LackError(
                f"no worker is left at {self.address}, for {PATIENCE:.0f} s",
                hint=f"start some: dask worker {self.address} --nworkers 1 --nthreads 4; "
                "then the same command builds what is missing",
            )

    def _current(self) -> dict[str, int]:
        with self._counting:
            now = time.monotonic()
            if now - self._counted >= _COUNT:
                self._counted = now
                with suppress(Exception):  # whether the scheduler is gone is asked elsewhere
                    self._threads = dict(self._client.nthreads())
            if self._threads:
                self._there = now
            return self._threads

    def _result(self, future: Any) -> ErrandResult:
        from distributed import CancelledError, KilledWorker  # noqa: PLC0415

        try:
            answer: ErrandResult = future.result()
        except KilledWorker as error:
            raise LackError(
                f"every worker that started it was lost: {error}", hint="the logs of the workers may say why"
            ) from None
        except (CancelledError, OSError):
            raise self._gone() from None
        return answer

    def _gone(self) -> LackError:
        return LackError(
            f"the Dask scheduler at {self.address} is gone",
            hint="start it again with its workers; then the same command builds what is missing",
        )


@contextmanager
def connected(address: SchedulerAddress) -> Iterator[Cluster]:
    """The cluster at an address, with workers that have this program.

    Raises LackError without Dask, without an answer, without workers, and for another version of anything.
    """
    client = _client(address)
    try:
        _check_version(client, address)
        cluster = Cluster(client, address)
        if not cluster.threads:
            raise LackError(
                f"the scheduler at {address} has no workers",
                hint=f"start some: dask worker {address} --nworkers 1 --nthreads 4",
            )
        check_workers(cluster.other_programs())
        yield cluster
    finally:
        with suppress(Exception):
            client.close(timeout=_CLOSES)


def check_workers(problems: dict[str, tuple[str, ...]]) -> None:
    """Raise LackError when there are workers with problems, with all of them."""
    if problems:
        lines = [f"  {worker}: {problem}" for worker, each in sorted(problems.items()) for problem in each]
        raise LackError(
            "\n".join(["workers lack what the run needs", *lines]),
            hint="fix that or stop these workers, then run the command again; nothing was built",
        )


def _client(address: SchedulerAddress) -> Any:
    for name in ("distributed", "distributed.client", "distributed.worker", "tornado"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what matters of it, an error says
    try:
        from distributed import Client  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise LackError(f"`--on` needs dask.distributed: {error}", hint=_INSTALL) from None
    try:
        # A client that cannot connect takes half a minute to give up, and says so in traces.
        asyncio.run(asyncio.wait_for(_greeted(str(address)), _ANSWERS + 1))
        return Client(str(address), timeout=_ANSWERS, set_as_default=False)  # type: ignore[no-untyped-call]
    except Exception as error:  # noqa: BLE001 - what comes depends on what answers there, and on Dask's settings
        said = str(error) or f"no greeting in {_ANSWERS} s"
        raise LackError(
            f"no Dask scheduler answers at {address} as dask.distributed {version('distributed')} expects it: {said}",
            hint=f"start one: dask scheduler --port {address.port}",
        ) from None


async def _greeted(address: str) -> None:
    """Connect, exchange greetings, and hang up."""
    from distributed.comm.core import connect  # noqa: PLC0415
    from distributed.security import Security  # noqa: PLC0415

    security: Any = Security()  # type: ignore[no-untyped-call]
    arguments = security.get_connection_args("client")
    comm: Any = await connect(address, timeout=_ANSWERS, **arguments)  # type: ignore[no-untyped-call]
    await comm.close()


def _check_version(client: Any, address: SchedulerAddress) -> None:
    told = client.get_versions(check=False)
    here, there = (told[side]["packages"].get("distributed") for side in ("client", "scheduler"))
    if here != there:
        raise LackError(
            f"the scheduler at {address} has dask.distributed {there}, and this machine {here}",
            hint=f"pip install 'distributed=={there}', or the other way round",
        )
