"""Processes that end, go on or speak where no test should: never a pass, and never a wait without end."""

from __future__ import annotations

import resource
import threading
from typing import TYPE_CHECKING

import pytest

from tests.unit.validate.suite.test_session import asked_for, outcomes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from orchestrator.validate.verdict import TestResult

pytestmark = pytest.mark.long(40)

#: Seconds after which a session is taken to hang: it is stopped, and the test fails.
LONGEST = 240.0


@pytest.fixture
def results(tmp_path: Path) -> Callable[[str], dict[str, TestResult]]:
    """The results of the tests of a text, by name."""

    def of(text: str) -> dict[str, TestResult]:
        request = asked_for(tmp_path, one=text)
        watch = threading.Timer(LONGEST, request.stop.set)
        watch.daemon = True
        watch.start()
        _, tests, _ = outcomes(request)
        watch.cancel()
        return {test.name: test for test in tests}

    return of


def ended(results: dict[str, TestResult]) -> dict[str, str]:
    return {name: str(result.outcome) for name, result in results.items()}


def test_a_session_fixture_that_ends_the_process(results: Callable[[str], dict[str, TestResult]]) -> None:
    """What was forked before it has an answer; the others are lost, and say so."""
    text = """
import os, pytest
@pytest.fixture(scope="session")
def deadly(): os._exit(0)
def test_before(): pass
def test_with(deadly): pass
def test_after(): pass
"""
    found = results(text)
    assert {name: found[name].outcome for name in ("test_with", "test_after")} == dict.fromkeys(
        ("test_with", "test_after"), "error"
    )
    assert "the process of the test ended before the test had" in found["test_with"].message


def test_a_module_fixture_that_ends_the_process(results: Callable[[str], dict[str, TestResult]]) -> None:
    """Also where the first to use it is not the first of the module, and one follows that runs alone."""
    text = """
import os, pytest
@pytest.fixture(scope="module")
def fine(): pass
@pytest.fixture(scope="module")
def deadly(): os._exit(0)
def test_before(fine): pass
def test_with(deadly): pass
def test_after(deadly): pass
@pytest.mark.alone
def test_alone(): pass
"""
    found = ended(results(text))
    found.pop("test_before")  # it may have been quicker than the end of what it stands on
    assert found == {"test_with": "error", "test_after": "error", "test_alone": "passed"}


def test_a_class_fixture_that_ends_the_process(results: Callable[[str], dict[str, TestResult]]) -> None:
    text = """
import os, pytest
class TestIt:
    @pytest.fixture(scope="class")
    def deadly(self): os.abort()
    def test_one(self, deadly): pass
    def test_two(self, deadly): pass
@pytest.mark.alone
def test_alone(): pass
"""
    assert ended(results(text)) == {"TestIt::test_one": "error", "TestIt::test_two": "error", "test_alone": "passed"}


@pytest.mark.parametrize("scope", ["module", "session"])
def test_a_teardown_that_ends_the_process(scope: str, results: Callable[[str], dict[str, TestResult]]) -> None:
    """What it would have asserted was not asserted."""
    text = f"""
import os, time, pytest
@pytest.fixture(scope="{scope}")
def deadly():
    yield
    if os.fork() == 0:
        time.sleep(300)
    os._exit(0)
    assert False
def test_one(deadly): pass
def test_two(deadly): pass
"""
    found = results(text)
    assert ended(found) == {"test_one": "passed", "test_two": "error"}
    assert found["test_two"].message == "the process ended that was taking down what the test shares"


@pytest.mark.parametrize("scope", ["module", "session"])
def test_what_a_shared_fixture_leaves_running(scope: str, results: Callable[[str], dict[str, TestResult]]) -> None:
    """It holds all that its parent had open, and nobody waits for it."""
    text = f"""
import multiprocessing, os, time, pytest
@pytest.fixture(scope="{scope}")
def server():
    process = multiprocessing.get_context("fork").Process(target=time.sleep, args=(300,), daemon=True)
    process.start()
    if os.fork() == 0:
        time.sleep(300)
        os._exit(0)
    yield process
def test_one(server): pass
def test_two(server): pass
"""
    assert ended(results(text)) == {"test_one": "passed", "test_two": "passed"}


def test_what_a_test_leaves_running_when_it_crashes(results: Callable[[str], dict[str, TestResult]]) -> None:
    text = """
import os, time
def test_crashes():
    if os.fork() == 0:
        time.sleep(300)
        os._exit(0)
    os.abort()
def test_next(): pass
"""
    found = results(text)
    assert ended(found) == {"test_crashes": "error", "test_next": "passed"}
    assert "SIGABRT" in found["test_crashes"].message


def test_many_tests_that_leave_something_running(results: Callable[[str], dict[str, TestResult]]) -> None:
    """More than there is room for at once."""
    text = """
import os, time, pytest
@pytest.mark.parametrize("n", range(20))
def test_it(n):
    if os.fork() == 0:
        time.sleep(300)
        os._exit(0)
"""
    room = resource.getrlimit(resource.RLIMIT_NPROC)
    resource.setrlimit(resource.RLIMIT_NPROC, (64, room[1]))
    try:
        assert set(ended(results(text)).values()) == {"passed"}
    finally:
        resource.setrlimit(resource.RLIMIT_NPROC, room)


def test_a_child_that_goes_on_as_if_it_were_the_test(results: Callable[[str], dict[str, TestResult]]) -> None:
    """The child's way through pytest is not the test's."""
    text = """
import os, sys
def test_fails():
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        assert not child
def test_passes():
    child = os.fork()
    if not child:
        sys.exit(5)
    os.waitpid(child, 0)
"""
    assert ended(results(text)) == {"test_fails": "failed", "test_passes": "passed"}


INTERRUPTED = """
import signal, pytest
class Late(Exception): pass
def late(*_): raise Late
def hurried(host, command, seconds=0.3):
    signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        with pytest.raises(Late):
            host.run(command)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
"""


def test_a_question_whose_answer_is_not_waited_for(results: Callable[[str], dict[str, TestResult]]) -> None:
    """The next question gets its own answer."""
    text = f"""{INTERRUPTED}
def test_code(host):
    hurried(host, "sleep 1; true")
    assert host.run("false").rc == 1
def test_words(host):
    hurried(host, "sleep 1; echo first")
    hurried(host, "sleep 1.2; echo second")
    assert host.run("echo third").stdout == "third\\n"
"""
    assert ended(results(text)) == {"test_code": "passed", "test_words": "passed"}


@pytest.mark.parametrize("scope", ["class", "module", "session"])
def test_a_question_of_a_fixture_whose_answer_is_not_waited_for(
    scope: str, results: Callable[[str], dict[str, TestResult]]
) -> None:
    """Before and after, and what was held before it is not lost."""
    text = f"""{INTERRUPTED}
@pytest.fixture(scope="{scope}")
def shared(host):
    hurried(host, "sleep 1; echo first")
    yield host.run("echo second").stdout
    hurried(host, "sleep 1.1; echo third")
    assert host.run("echo fourth").stdout == "fourth\\n"
class TestIt:
    def test_one(self, shared): assert shared == "second\\n"
    def test_two(self, shared, host): assert host.run("echo two").stdout == "two\\n"
"""
    assert ended(results(text)) == {"TestIt::test_one": "passed", "TestIt::test_two": "passed"}
