"""The processes of a session: a tree, in whose root and branches is made what tests share, and whose ends are tests.

The root goes through the tests in their order, as pytest does. Before a test it makes what the test shares with
others, then forks it, and goes on without waiting. Tests that share something of their own (a module's fixture) get
a branch: a process that goes through them likewise. What is shared is taken down after all that were forked have
ended. An xfail mark that a test gives itself while it runs is not known there: what fails then is an error of the
test.
"""

from __future__ import annotations

import gc
import os
import sys
import traceback
import warnings
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.outcomes import TEST_OUTCOME
from _pytest.runner import CallInfo, get_reraise_exceptions
from _pytest.scope import Scope
from _pytest.skipping import xfailed_key

from orchestrator.validate.workers.ipc import Stopped, TestRecord, Word
from orchestrator.validate.workers.phase import within
from orchestrator.validate.workers.shared_fixtures import branches, expected_failure, node_of, runs, shared_by, singles
from orchestrator.validate.workers.surroundings import enter
from orchestrator.validate.workers.test_process import ending_of, forget_finalizers, own_streams, recorder_of, run_test

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from orchestrator.validate.workers.ipc import CoordinatorLink
    from orchestrator.validate.workers.shared_fixtures import Branch

#: What ends a session when it is raised anywhere.
_ENDING = (pytest.exit.Exception, KeyboardInterrupt)


class FixtureProcess:
    """One process that forks others. `places` gives the place of each test in the session."""

    def __init__(self, session: pytest.Session, link: CoordinatorLink, places: dict[pytest.Item, int]) -> None:
        self._session = session
        self._link = link
        self._places = places
        self._children: dict[int, int] = {}
        self._failed: dict[pytest.Item, tuple[BaseException, TracebackType | None]] = {}

    def fork_all(self, items: Sequence[pytest.Item], scope: Scope, alone: Sequence[pytest.Item] = ()) -> None:
        """Fork tests that share `scope`; then each of `alone`, which is waited for before the next one begins.

        All have ended when it returns. Raises Stopped.
        """
        todo = [*branches(items, scope), *singles(alone)]
        try:
            while todo:
                branch = todo.pop(0)
                if self._may_fork(branch):
                    self._fork_branch(branch, todo[0] if todo else None, alone=frozenset(alone))
                else:
                    todo[:0] = singles(branch.items)
            self._wait()
        except Stopped:
            self._wait()
            self._take_down(None)
            raise

    def _may_fork(self, branch: Branch) -> bool:
        places = [self._places[item] for item in branch.items]
        if branch.is_test:
            self._link.call("fork", places[0])
            return True
        return self._link.call("branch", places) is Word.GO

    def _fork_branch(self, branch: Branch, following: Branch | None, *, alone: frozenset[pytest.Item]) -> None:
        last = branch.items[-1]
        try:
            for item in branch.items:
                self._make_shared(item, branch)
        except _ENDING as error:
            self._link.send("finished", TestRecord((), ending_of(error)), self._places[item])
            raise Stopped from error
        settles = self._settles_before(following)
        if settles:
            self._link.send("held", self._places[last])
        self._reap()
        pid = self._forked(branch)
        self._children[pid] = self._places[branch.items[0]]
        if settles or last in alone or (following and following.items[0] in alone):
            self._wait()
        self._leave(last, following, told=settles)

    def _make_shared(self, item: pytest.Item, branch: Branch) -> None:
        """Make what an item shares at the branch's scope or more widely, as part of its setup."""
        enter(item.config, item.path)
        wanted = [one for one in shared_by(item) if one.scope >= branch.scope]
        about = None if branch.is_test else node_of(item, branch.scope)
        node = about.parent if about is not None else item.parent
        if all(one.is_made for one in wanted) or node is None or item in self._failed or not runs(item):
            return

        self._link.send("about", self._places[item])

        def make() -> None:
            state: Any = self._session._setupstate
            state.setup(node)
            state.stack[item] = ([], None)  # its setup has begun, as far as fixtures are concerned
            try:
                for one in wanted:
                    request_of(item).getfixturevalue(one.name)
            except BaseException as error:
                self._failed[item] = (error, error.__traceback__ and error.__traceback__.tb_next)
                raise
            finally:
                del state.stack[item]

        try:
            with recorder_of(item.config).recording(item):
                within(item, "setup", make)
        except (*_ENDING, Stopped):
            raise
        except BaseException:  # noqa: BLE001 - pytest or `_failed` remembers it, and the test raises it
            return

    def _settles_before(self, following: Branch | None) -> bool:
        """Whether something that stands has to be taken down before the next branch."""
        chain = following.items[0].listchain() if following else []
        stack = self._session._setupstate.stack
        if any(node not in chain and _is_laden(node, held) for node, (held, _) in stack.items()):
            return True
        if following is None:
            return False
        return any(one.is_in_the_way for item in following.items for one in shared_by(item))

    def _leave(self, last: pytest.Item, following: Branch | None, *, told: bool) -> None:
        """Take down what the next branch does not share. What comes of it belongs to the test before."""
        item = following.items[0] if following else None
        enter(last.config, last.path)
        if not told:
            self._take_down(item)
            return
        self._link.send("about", self._places[last])
        recorder = recorder_of(last.config)
        with recorder.recording(last) as heard:
            within(last, "setup", _nothing)
            last._report_sections.clear()
            last.stash[xfailed_key] = expected_failure(last)
            heard.clear()
            call = CallInfo.from_call(
                partial(within, last, "teardown", partial(self._session._setupstate.teardown_exact, item)),
                when="teardown",
                reraise=(*get_reraise_exceptions(last.config), Stopped),
            )
            report = last.ihook.pytest_runtest_makereport(item=last, call=call)
            recorder.pytest_runtest_logreport(report)
        self._link.send("late", self._places[last], tuple(heard))

    def _take_down(self, following: pytest.Item | None) -> None:
        try:
            self._session._setupstate.teardown_exact(following)
        except TEST_OUTCOME:  # of a session that is stopped: nobody is told any more
            return

    def _forked(self, branch: Branch) -> int:
        """Fork a process that goes through a branch. Its id."""
        sys.stdout.flush()
        sys.stderr.flush()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of threads: those of fixtures stay here, where the fixtures are
            pid = os.fork()
        if pid == 0:
            run_child(lambda: self._become(branch), self._link)
        return pid

    def _become(self, branch: Branch) -> None:
        first = branch.items[0]
        self._children.clear()
        forget_finalizers(self._session)
        if branch.is_test:
            self._link.call_as("test", self._places[first])
            if first in self._failed:
                request_of(first)._fillfixtures = partial(_fail, *self._failed[first])
            run_test(first, self._link)
        else:
            self._link.call_as("branch", self._places[first])
            inner = Scope.Module if branch.scope is Scope.Package else Scope.Class
            with own_streams(self._session.config):
                self.fork_all(branch.items, inner)

    def _reap(self) -> None:
        """Take leave of children that have ended."""
        for pid in list(self._children):
            self._bury(*os.waitpid(pid, os.WNOHANG))

    def _wait(self) -> None:
        """Wait until all children have ended."""
        self._link.send("idle")
        for pid in list(self._children):
            self._bury(*os.waitpid(pid, 0))
        self._link.send("busy")

    def _bury(self, pid: int, status: int) -> None:
        if pid:
            place = self._children.pop(pid)
            self._link.send("died", place, status)


def fork_root(session: pytest.Session, link: CoordinatorLink, alone: frozenset[int], become: Callable[[], None]) -> int:
    """Fork the root of the tree, which runs all tests of a session. Its process id.

    `alone` has the places of tests that run alone; `become` is called in the new process first.
    """
    places = {item: place for place, item in enumerate(session.items)}
    last = [item for item, place in places.items() if place in alone]
    together = [item for item, place in places.items() if place not in alone]
    root = FixtureProcess(session, link, places)

    def run() -> None:
        become()
        link.call_as("root", -1)
        with own_streams(session.config):
            root.fork_all(together, Scope.Package, last)

    if factory := getattr(session.config, "_tmp_path_factory", None):
        factory.getbasetemp()  # one for all, as in one process
    gc.collect()
    gc.freeze()  # what stands is not looked at again, so that its pages stay shared
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        run_child(run, link)
    return pid


def run_child(do: Callable[[], None], link: CoordinatorLink) -> None:
    """What a forked process does from here to its end; never returns."""
    code = 3
    try:
        do()
        code = 0
    except Stopped:
        code = 0
    except (EOFError, ConnectionError):
        code = 0  # the coordinator is gone, and there is nobody to tell
    except BaseException:  # noqa: BLE001 - whatever it is, it must not run the caller's code
        link.send("broken", traceback.format_exc())
    finally:
        os._exit(code)


def _is_laden(node: object, finalizers: list[Callable[[], object]]) -> bool:
    """Whether more than a collector's own, empty teardown waits for its end."""
    return any(one != getattr(node, "teardown", None) for one in finalizers)


def _fail(error: BaseException, trace: TracebackType | None) -> None:
    """Fail as making what a test shares has: maybe in taking down something else, which pytest forgets."""
    __tracebackhide__ = True
    raise error.with_traceback(trace)


def _nothing() -> None:
    """For a phase of which only the surroundings matter."""


def request_of(item: pytest.Item) -> Any:
    """The fixtures' side of a test."""
    return item._request  # type: ignore[attr-defined]  # of every item that is a function
