"""The process that does one errand on a worker: `python -m orchestrator.run.remote.child`.

It reads the errand from its standard input and writes lines of JSON to its standard output: events, and at last the
answer. It ends tidily when it is interrupted, when its standard input ends (the worker is gone), and when the run that
it works for is dead.
"""

from __future__ import annotations

import base64
import io
import json
import os
import pickle
import sys
import tarfile
import threading
import traceback
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from orchestrator.aws.account import AwsError, refusal, told
from orchestrator.definition.levels.extended import BUILTIN_ROOT
from orchestrator.errors import AmiError
from orchestrator.files.held_folder import held_folder
from orchestrator.masks import hidden, hide
from orchestrator.run.leases.lease import TTL, Leases, run_key
from orchestrator.run.leases.owner import this_process
from orchestrator.run.remote.errand import LENGTH, ErrandResult
from orchestrator.run.remote.errand_work import lacks, outcome_of
from orchestrator.run.remote.travel.parcel_store import ParcelStore
from orchestrator.run.remote.travel.relocation import loaded
from orchestrator.run.session.stop import signals_set

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orchestrator.progress import Event
    from orchestrator.run.remote.errand import Errand

#: Seconds between two looks at whether the run still lives.
_LOOK = 10.0


def main() -> None:
    """Do the errand that stands on standard input."""
    (size,) = LENGTH.unpack(sys.stdin.buffer.read(LENGTH.size))
    errand: Errand = pickle.loads(sys.stdin.buffer.read(size))  # noqa: S301 - from our own parent
    line = _Outlet()
    stop, urgent = threading.Event(), threading.Event()
    with signals_set(stop, urgent, lambda text: line.write({"say": text})):
        threading.Thread(target=_end_with_worker, args=(stop,), daemon=True).start()
        line.write({"answer": base64.b64encode(pickle.dumps(_answer(errand, line, stop, urgent))).decode()})


class _Outlet:
    """Standard output, which belongs to the worker: whatever else is printed goes to standard error."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="backslashreplace")
        os.dup2(2, 1)
        self._lock = threading.Lock()

    def write(self, value: dict[str, Any]) -> None:
        with self._lock:
            self._out.write(json.dumps(value) + "\n")
            self._out.flush()

    def hear(self, event: Event) -> None:
        event = replace(event, message=hide(event.message), task=hide(event.task))
        self.write({"event": asdict(event) | {"stage": event.stage.value, "at": event.at.isoformat()}})


def _end_with_worker(stop: threading.Event) -> None:
    while sys.stdin.buffer.read(1):
        pass
    stop.set()


def _answer(errand: Errand, line: _Outlet, stop: threading.Event, urgent: threading.Event) -> ErrandResult:
    """What comes of an errand. Nothing raises: a bug is told as one."""
    try:
        with ExitStack() as stack:
            folder = stack.enter_context(held_folder())
            stack.enter_context(_living(errand, stop))
            levels = _levels(errand)
            orders = loaded(errand.orders, (*levels, BUILTIN_ROOT))
            vars(orders.environment)["account"] = errand.account  # an equal one, which has clients already
            line.write({"levels": [str(one) for one in levels], "folder": str(folder)})
            if orders.segment is None:
                return ErrandResult(problems=tuple(map(hide, lacks(orders))))
            outcome = outcome_of(errand, orders, folder, line.hear, (stop, urgent))
            outcome = replace(outcome, reason=hide(outcome.reason), hint=hide(outcome.hint))
            return ErrandResult(outcome=outcome, files=_packed(folder / orders.segment.name))
    except AmiError as error:
        return ErrandResult(problems=(hide(error.message),))
    except AwsError as error:
        lack = refusal(error)
        return ErrandResult(problems=(hide(lack.message if lack else told(error)),))
    except Exception as error:  # noqa: BLE001 - whoever runs `ami` shall see it
        return ErrandResult(bug=str(hidden("".join(traceback.format_exception(error)))))


def _levels(errand: Errand) -> tuple[Path, ...]:
    """The folders of the workspace's levels on this machine, the nearest first."""
    store = ParcelStore(errand.account, errand.bucket)
    below = (*errand.levels[1:], "")
    return tuple(store.unpacked(one, under) for one, under in zip(errand.levels, below, strict=True))


@contextmanager
def _living(errand: Errand, stop: threading.Event) -> Iterator[None]:
    """Set `stop` once the run that the errand belongs to is dead, by its lease."""
    records = Leases(errand.account, errand.bucket, this_process(errand.run)).records
    over = threading.Event()

    def watch() -> None:
        while not over.wait(_LOOK):
            try:
                there = records.read(run_key(errand.run), ttl=TTL)
            except (AmiError, *AwsError):
                continue  # nothing is known
            if there is None or there.dead:
                stop.set()

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _packed(folder: Path) -> bytes:
    """What was left in a folder, as an archive; links are left out."""
    into = io.BytesIO()
    if folder.is_dir():
        with tarfile.open(fileobj=into, mode="w:gz", compresslevel=1) as archive:
            archive.add(folder, arcname=".", filter=lambda one: one if one.isfile() or one.isdir() else None)
    return into.getvalue()


def unpack(files: bytes, into: Path) -> None:
    """Write what was left on a worker into a folder."""
    if files:
        with tarfile.open(fileobj=io.BytesIO(files)) as archive:
            archive.extractall(into, filter="data")


if __name__ == "__main__":
    main()
