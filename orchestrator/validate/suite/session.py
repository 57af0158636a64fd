"""Runs the tests of roles in a process of their own and follows them as they end."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from subprocess import PIPE
from typing import IO, TYPE_CHECKING, Any

from orchestrator.errors import Interrupted, UsageError
from orchestrator.files.held_folder import held_folder
from orchestrator.files.whole_file import write_whole
from orchestrator.masks import masked_where_cut
from orchestrator.polling import poll, steady
from orchestrator.process import kill_group, started
from orchestrator.validate.errors import NoTests, ValidationError
from orchestrator.validate.excerpts import without_secrets
from orchestrator.validate.request import SuiteRequest
from orchestrator.validate.suite.answering import Answering
from orchestrator.validate.suite.layout import SCRATCH, Layout
from orchestrator.validate.verdict import SuiteEnd, TestResult, check_collected

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from subprocess import Popen

    from orchestrator.validate.request import RoleTests, TestsRequest
    from orchestrator.validate.suite.answering import AnswersRounds

#: What is told as it happens: an object of plugin.py.
Hear = Callable[[dict[str, Any]], None]

#: Seconds that the process has to end once it has said that it does.
_GRACE = 10.0
#: The workspace's own pytest settings and the plugins of this Python are meant for other tests.
_SETTINGS = "[pytest]\nconsole_output_style = classic\n"
_ENVIRONMENT: dict[str, str | None] = {
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTEST_ADDOPTS": "",
    "PYTEST_PLUGINS": "",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
}
#: pytest's exit codes for what is wrong with itself and with its arguments (`pytest.ExitCode`, which takes a quarter of
#: a second to load).
_INTERNAL_ERROR, _USAGE_ERROR = 3, 4
#: How pytest begins a line about what was wrong then.
_SAID = ("ERROR: ", "INTERNALERROR> ")
#: Variables of the environment that tests do not get: they never meet AWS, and other Python code is not theirs.
_WITHHELD = ("AWS_", "PYTHON", "PYTEST_")


@dataclass(frozen=True)
class Suite:
    """Tests that are laid out, and what the process that runs them is told."""

    request: SuiteRequest
    layout: Layout

    def on(self, instance_id: str) -> Suite:
        """The same suite, to be run on a machine."""
        return replace(self, request=self.request.on(instance_id))


def check_present(tests: Iterable[RoleTests]) -> None:
    """Raise NoTests for roles that have no test file."""
    without = tuple(one.role for one in tests if not any(one.folder.rglob("test_*.py")))
    if without:
        raise NoTests(without)


@contextmanager
def laid_out(request: TestsRequest) -> Iterator[Suite]:
    """The tests laid out in a temporary folder, so that pytest sees what belongs to them and nothing else.

    Raises NoTests for a role that has no test file, ValidationError when they are not those any more that the caller
    means, or cannot be copied.
    """
    check_present(request.tests)
    if not request.tests:
        raise NoTests(request.image.roles)
    with held_folder() as root:
        (root / "pytest.ini").write_text(_SETTINGS, encoding="utf-8")
        layout = Layout(root, request.tests, request.workspace)
        if not request.is_current():
            raise ValidationError("the tests were changed since the plan was made", hint="run it again")
        roles = tuple(one.role for one in request.tests)
        chosen = request.selection
        asked = SuiteRequest(request.ami_id, request.image, roles, str(root), layout.folders, selection=chosen)
        yield Suite(asked, layout)


def collect(suite: Suite, request: TestsRequest) -> int:
    """How many tests there are to be run.

    Raises NoTests, DefinitionError for files that cannot be collected, and UsageError for a selection that pytest does
    not understand, or that no test fits.
    """
    (roles,) = collect_each([(suite, request)])
    return sum(roles.values())


def collect_each(suites: Iterable[tuple[Suite, TestsRequest]]) -> tuple[dict[str, int], ...]:
    """How many tests of each suite are to be run, by role; of a selection some may have none.

    Raises what `collect` does.
    """
    asked = tuple(suites)
    counts = tuple(_counts(suite, request) for suite, request in asked)
    if not any(counts) and asked:
        chosen = asked[0][1].selection
        raise UsageError(f"no test fits {chosen.text}", hint="`-k` looks for parts of names, `-m` for marks")
    return counts


def check_roles(suite: Suite, collected: Mapping[str, int]) -> None:
    """Raise NoTests for roles of which no test was collected, unless only chosen ones are."""
    without = tuple(role for role in suite.request.roles if not collected.get(role))
    if without and not suite.request.selection.partial:
        raise NoTests(without)


def _counts(suite: Suite, request: TestsRequest) -> dict[str, int]:
    _, end = run(suite, request, hear=lambda _: None)
    chosen = request.selection
    check_collected(end)
    if end.exit_code in (_INTERNAL_ERROR, _USAGE_ERROR):  # it could not even collect
        why = _why_failed((request.folder / "pytest.log").read_text(encoding="utf-8"))
        if chosen.partial and end.exit_code == _USAGE_ERROR:
            raise UsageError(f"pytest does not understand {chosen.text}: {why}")
        raise ValidationError(f"pytest failed while it collected the tests: {why}")
    check_roles(suite, end.collected)
    return dict(end.collected)


def _why_failed(log: str) -> str:
    """What pytest says of itself: the line of an error, or the last one of its traceback."""
    said = [line.partition(mark)[2] for line in log.splitlines() for mark in _SAID if line.startswith(mark)]
    return said[-1].strip() if said else "see pytest.log"


def run(
    suite: Suite, request: TestsRequest, machine: AnswersRounds | None = None, *, hear: Hear
) -> tuple[tuple[TestResult, ...], SuiteEnd]:
    """Run the suite to its end on a machine; without one its tests are only collected.

    pytest's own words go to pytest.log, secrets masked. Raises Interrupted.
    """
    events: list[dict[str, Any]] = []
    argv = [sys.executable, "-P", "-m", "orchestrator.validate.suite.main"]
    with (
        _logged(request, suite.layout) as log,
        started(argv, stdin=PIPE, stderr=log, env=_environment(suite.request), cwd=Path(suite.request.root)) as process,
        _killed_when(request.stop, process),
        Answering(process, machine) as answering,
    ):
        answering.write(suite.request.as_json())
        for event in _events(process):
            if event["event"] == "ask":
                answering.ask(event)
                continue
            events.append(event)
            hear(event)
            if event["event"] == "end":
                break
        _end_of(process)
    if request.stop.is_set():
        raise Interrupted(f"the tests of {request.ami_id} were stopped")
    return _results(events, request.masks, suite.layout), _end(events, request.masks, answering, suite.layout)


def _environment(suite: SuiteRequest) -> dict[str, str | None]:
    """What the process gets besides the caller's environment, and what of that it does not get.

    Temporary files are made below the suite's root, and go with it.
    """
    scratch = Path(suite.root, SCRATCH)
    scratch.mkdir(exist_ok=True)
    withheld = {name: None for name in os.environ if name.startswith(_WITHHELD)}
    return {**withheld, **_ENVIRONMENT, "TMPDIR": str(scratch)}


def _end_of(process: Popen[bytes]) -> None:
    """Let the process end, and end what its tests have left behind: it may hold the process's streams for ever."""
    look = os.WEXITED | os.WNOHANG | os.WNOWAIT  # while it is not reaped, its number means it and nobody else
    poll(lambda: os.waitid(os.P_PID, process.pid, look), until=bool, pauses=steady(0.02), within=_GRACE)
    kill_group(process)


def _events(process: Popen[bytes]) -> Iterator[dict[str, Any]]:
    """What the process says. A line that was cut by its death is left out: the end is missing then anyway."""
    for line in process.stdout or ():
        if line.endswith(b"\n"):
            yield json.loads(line)


@contextmanager
def _logged(request: TestsRequest, layout: Layout) -> Iterator[IO[bytes]]:
    """A nameless file for pytest's output, of which pytest.log becomes the masked copy."""
    with tempfile.TemporaryFile() as log:
        try:
            yield log
        finally:
            log.seek(0)
            text = masked_where_cut(log.read().decode("utf-8", "replace"), request.masks)
            write_whole(request.folder / "pytest.log", layout.with_sources(text))


@contextmanager
def _killed_when(stop: threading.Event, process: Popen[bytes]) -> Iterator[None]:
    """While it lasts, `stop` ends the process and what it started."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.is_set():
            if stop.wait(0.2):
                kill_group(process)
                return

    watcher = threading.Thread(target=watch, name="stop-tests")
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


def _results(events: list[dict[str, Any]], masks: tuple[str, ...], layout: Layout) -> tuple[TestResult, ...]:
    tests = [without_secrets(event, masks) for event in events if event["event"] == "test"]
    results = (TestResult.from_json({key: test[key] for key in test if key != "event"}) for test in tests)
    return tuple(_as_written(result, layout) for result in results)


def _as_written(result: TestResult, layout: Layout) -> TestResult:
    """The result with the files of the workspace in the place of their copies."""
    path, separator, name = result.nodeid.partition("::")
    return replace(
        result,
        nodeid=f"{layout.source(path)}{separator}{name}",
        file=layout.source(result.file),
        message=layout.with_sources(result.message),
        details=layout.with_sources(result.details),
        output=layout.with_sources(result.output),
    )


def _end(events: list[dict[str, Any]], masks: tuple[str, ...], answering: Answering, layout: Layout) -> SuiteEnd:
    def last(kind: str) -> dict[str, Any]:
        return next((event for event in reversed(events) if event["event"] == kind), {})

    end = last("end")
    return SuiteEnd(
        collected=last("collected").get("roles", {}),
        problems=tuple(
            layout.problem(event["path"], event["line"], masked_where_cut(event["text"], masks))
            for event in events
            if event["event"] == "problem"
        ),
        fault=layout.with_sources(masked_where_cut(last("fault").get("text", ""), masks)),
        stopped=last("stopped").get("text", ""),
        exit_code=end.get("exit_code"),
        calls=dict(answering.calls),
        rounds=answering.rounds,
    )
