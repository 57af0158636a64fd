"""The order in which images are worked on."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.run.graph import work_through

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FAMILY = {"golden": None, "web": "golden", "shop": "web", "other": None}


def go(parents: Mapping[str, str | None], work: Callable[[str], str], *, threads: int = 2) -> dict[str, str]:
    with ThreadPoolExecutor(threads) as executor:
        return work_through(
            parents,
            work=work,
            skip=lambda _, parent: f"skipped: {parent}",
            good=lambda result: result == "ok",
            executor=executor,
        )


def test_work_through_when_a_parent_fails() -> None:
    """What stands on it is skipped to the last descendant; unrelated work goes on."""
    results = go(FAMILY, lambda name: "broken" if name == "golden" else "ok")
    assert results == {
        "golden": "broken",
        "web": "skipped: broken",
        "shop": "skipped: skipped: broken",
        "other": "ok",
    }


def test_work_through_when_work_raises() -> None:
    """A bug is not swallowed."""
    with pytest.raises(ZeroDivisionError):
        go(FAMILY, lambda name: str(1 / 0) if name == "web" else "ok")


def test_work_through_when_two_may_run() -> None:
    """Independent images are worked on at the same time."""
    both = threading.Barrier(2, timeout=10)

    def work(_name: str) -> str:
        both.wait()
        return "ok"

    assert go({"a": None, "b": None}, work) == {"a": "ok", "b": "ok"}


@given(st.lists(st.integers(min_value=-1, max_value=20), max_size=12), st.sets(st.integers(0, 11)))
def test_work_through_when_forest_is_any(links: list[int], failing: set[int]) -> None:
    """Each name is worked on once, after its parent, and exactly when all its ancestors were good."""
    parents = {str(i): str(link % i) if i and link >= 0 else None for i, link in enumerate(links)}
    order: list[str] = []

    def work(name: str) -> str:
        order.append(name)
        return "bad" if int(name) in failing else "ok"

    results = go(parents, work)

    def sound(name: str | None) -> bool:
        return name is None or (int(name) not in failing and sound(parents[name]))

    assert set(results) == set(parents)
    assert sorted(order) == sorted(name for name in parents if sound(parents[name]))
    for name in order:
        parent = parents[name]
        assert parent is None or order.index(parent) < order.index(name)
