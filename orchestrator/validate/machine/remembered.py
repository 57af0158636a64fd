"""Something being made in the account that must not be lost sight of."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def remembered(make: Callable[[], Any]) -> Iterator[Future[Any]]:
    """Something being made in a thread of its own, so that Ctrl-C cannot lose the answer that names it.

    `Future.exception()` waits for it, and tells at the end whether there is something to remove.
    """
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(make)
