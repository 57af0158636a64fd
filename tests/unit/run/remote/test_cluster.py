"""A scheduler that goes away, workers that do, and encrypted connections: Dask's own programs, and no lab."""

from __future__ import annotations

import os
import pickle
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import dask as dask_package
import pytest
from distributed.security import Security

from orchestrator.errors import LackError
from orchestrator.run.remote import cluster as cluster_module
from orchestrator.run.remote.cluster import Cluster, connected
from orchestrator.run.remote.scheduler_address import address_of
from orchestrator.run.remote.stops import Stops
from tests.dask_programs import dask, kill
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import psutil

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")


class Long:
    """What a worker reads for a long time, as if it did a task."""

    def __reduce__(self) -> tuple[Any, ...]:
        return time.sleep, (60,)


@contextmanager
def programs(
    port: int, folder: Path, scheme: str = "tcp", more: Mapping[str, str] | None = None
) -> Iterator[tuple[psutil.Process, psutil.Process]]:
    """A scheduler and a worker."""
    env = {**os.environ, **(more or {})}
    tls = [f"--protocol={scheme}"]
    with (
        dask("scheduler", "--host", "127.0.0.1", "--port", str(port), *tls, env=env) as scheduler,
        dask("worker", f"{scheme}://127.0.0.1:{port}", "--local-directory", str(folder), *tls, env=env) as worker,
    ):
        yield scheduler, worker


def await_cluster(written: str) -> None:
    """Wait until the scheduler has its worker."""
    deadline = time.monotonic() + 300
    while True:
        try:
            with connected(address_of(written)):
                return
        except LackError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


@pytest.fixture
def port() -> int:
    return free_port()


@contextmanager
def reached(port: int, folder: Path) -> Iterator[tuple[psutil.Process, psutil.Process, Cluster]]:
    """A scheduler, its worker, and the connection to them."""
    address = f"dask://127.0.0.1:{port}"
    with programs(port, folder) as (scheduler, worker):
        await_cluster(address)
        with connected(address_of(address)) as cluster:
            yield scheduler, worker, cluster


def asked(cluster: Cluster) -> None:
    """Let a worker do something that takes long."""
    stops = Stops(threading.Event(), threading.Event(), "stop", "urgent", begun=())
    cluster.done("key", pickle.dumps(Long()), stops, "build tiny", ())


def soon(what: Callable[[], object]) -> threading.Timer:
    timer = threading.Timer(2, what)
    timer.start()
    return timer


def test_cluster_when_the_scheduler_dies(port: int, tmp_path: Path) -> None:
    """Whoever waits for a task is told what to do, and does not wait on."""
    with reached(port, tmp_path) as (scheduler, _, cluster):
        soon(lambda: kill(scheduler))
        with pytest.raises(LackError, match=f"the Dask scheduler at tcp://127.0.0.1:{port} is gone") as caught:
            asked(cluster)
    assert "start it again" in caught.value.hint


def test_cluster_when_the_last_worker_dies(port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others are waited for, and not for ever."""
    monkeypatch.setattr(cluster_module, "PATIENCE", 3.0)
    monkeypatch.setattr(cluster_module, "_COUNT", 0.5)
    with reached(port, tmp_path) as (_, worker, cluster):
        soon(lambda: kill(worker))
        with pytest.raises(LackError, match=f"no worker is left at tcp://127.0.0.1:{port}, for 3 s") as caught:
            asked(cluster)
    assert "builds what is missing" in caught.value.hint


def test_cluster_when_connections_are_encrypted(port: int, tmp_path: Path) -> None:
    """Certificates come from Dask's own settings. Without TLS nobody gets in."""
    certificates = written(tmp_path)
    here = {f"distributed.comm.tls.{name}": path for name, path in certificates.items()}
    there = {f"DASK_{name.replace('.', '__').replace('-', '_')}".upper(): path for name, path in here.items()}
    plain, encrypted = f"dask://127.0.0.1:{port}", f"tls://127.0.0.1:{port}"
    with programs(port, tmp_path, "tls", there):
        with dask_package.config.set(here):
            await_cluster(encrypted)
            with connected(address_of(encrypted)) as cluster:
                assert [address.partition("://")[0] for address in cluster.threads] == ["tls"]
        with pytest.raises(LackError, match="no Dask scheduler answers"), connected(address_of(plain)):
            pass


def written(folder: Path) -> dict[str, str]:
    """Files with certificates and keys of one authority, by the names of Dask's settings."""
    made: Any = Security.temporary()  # type: ignore[no-untyped-call]
    contents = {"ca-file": made.tls_ca_file}
    for role in ("scheduler", "worker", "client"):
        contents |= {f"{role}.{part}": getattr(made, f"tls_{role}_{part}") for part in ("cert", "key")}
    for name, content in contents.items():
        (folder / name).write_text(content)
    return {name: str(folder / name) for name in contents}
