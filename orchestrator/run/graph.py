"""Work on a forest of images: a child starts when its parent is done, and never when its parent failed.

The executor is any `concurrent.futures.Executor`; this module holds no thread of its own.
"""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Result = TypeVar("Result")


def work_through(
    parents: Mapping[str, str | None],
    *,
    work: Callable[[str], Result],
    skip: Callable[[str, Result], Result],
    good: Callable[[Result], bool],
    executor: Executor,
) -> dict[str, Result]:
    """Do `work(name)` for every name, parents before children; give each name's result, in order of completion.

    `parents` maps each name to its parent, or to None when nothing here comes before it. A name whose parent's
    result is not `good` gets `skip(name, parent's result)` instead, and so do those that stand on it. `work` raises
    only for bugs; such an exception passes through after everything that was started has ended.
    """
    results: dict[str, Result] = {}
    running: dict[Future[Result], str] = {}
    waiting = dict(parents)
    while waiting or running:
        for name in _ready(waiting, results):
            parent = waiting.pop(name)
            if parent is not None and not good(results[parent]):
                results[name] = skip(name, results[parent])
            else:
                running[executor.submit(work, name)] = name
        if running:
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                results[running.pop(future)] = future.result()
    return results


def _ready(waiting: Mapping[str, str | None], results: Mapping[str, object]) -> list[str]:
    return [name for name, parent in waiting.items() if parent is None or parent in results]
