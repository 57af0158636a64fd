from __future__ import annotations

from typing import Any, cast

from orchestrator.validate.workers.ipc import Word
from orchestrator.validate.workers.permits import BRANCHES, ROOT, Permits
from orchestrator.validate.workers.worker import Worker


def worker(kind: str, index: int = 0, *wants: Any) -> Worker:
    return Worker(cast("Any", None), kind=kind, index=index, wants=wants)


def test_tests_wait_when_there_are_as_many_as_may_be() -> None:
    """Those that are going to call count."""
    permits = Permits(frozenset(), limit=2)
    root, running = worker("root", ROOT, "fork", 1), worker("test", 0)
    assert permits.answer(root, [root, running], 0) is Word.GO
    assert (root.granted, root.children, permits.coming) == (1, {1: (1,)}, 1)
    root.wants = ("fork", 2)
    assert permits.answer(root, [root, running], 0) is None

    permits.arrived(1, [root])
    assert (root.granted, permits.coming) == (-1, 0)
    called = worker("test", 1)
    assert permits.answer(root, [root, running, called], 0) is None
    assert permits.answer(root, [root, called], 0) is Word.GO


def test_a_process_arrives_once() -> None:
    """Its end, which is told by its parent and by its connection, is no further arrival."""
    permits = Permits(frozenset(), limit=2)
    permits.expect_root()
    assert permits.coming == 1
    permits.arrived(ROOT, [])
    permits.arrived(ROOT, [])
    permits.arrived(7, [])
    assert permits.coming == 0


def test_a_test_runs_alone_when_all_before_it_are_told() -> None:
    permits = Permits(frozenset({5}), limit=9)
    root = worker("root", ROOT, "fork", 5)
    assert permits.answer(root, [root, worker("test", 4)], 5) is None
    assert permits.answer(root, [root, worker("branch", 3)], 5) is None
    assert permits.answer(root, [root], 4) is None
    assert permits.answer(root, [root], 5) is Word.GO


def test_a_branch_is_refused_when_there_are_too_many() -> None:
    """Whoever asked runs the tests itself."""
    permits = Permits(frozenset(), limit=1)
    root = worker("root", ROOT, "branch", [2, 3])
    branches = [worker("branch", place) for place in range(BRANCHES)]
    assert permits.answer(root, [root, *branches], 0) is Word.NO
    assert permits.coming == 0
    assert permits.answer(root, [root, *branches[1:]], 0) is Word.GO
    assert root.children == {2: (2, 3)}
