"""The gate `tests`: runs the tests of an image's roles, and passes when one passed and none failed."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from orchestrator.errors import AmiError
from orchestrator.files.whole_file import write_whole
from orchestrator.progress import Stage
from orchestrator.validate.errors import ValidationError
from orchestrator.validate.machine_gate import GateOrder, MachineGate
from orchestrator.validate.suite.parts import Turn, parts_of
from orchestrator.validate.suite.session import check_roles
from orchestrator.validate.suite.session import run as run_suite
from orchestrator.validate.verdict import TestsFinding, check_complete, counted, counts_of, is_pass, joined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.validate.machine_gate import LooksAtMachine, MachineContext
    from orchestrator.validate.request import ValidateRequest
    from orchestrator.validate.suite.parts import SuitePart
    from orchestrator.validate.verdict import SuiteEnd, TestResult


@contextmanager
def prepare(request: ValidateRequest) -> Iterator[LooksAtMachine]:
    """Copy the tests and let pytest collect them, unless that was done before.

    Raises NoTests, DefinitionError for files that cannot be collected, and UsageError for a selection that pytest does
    not understand, or that no test fits.
    """
    with parts_of(request) as parts:
        yield partial(run, parts)


def run(parts: tuple[SuitePart, ...], context: MachineContext) -> TestsFinding:
    """Run suites one after the other. When not all could be run the finding has the error, which knows the rounds."""
    count = sum(part.count for part in parts)
    context.say(f"{count} tests of {len({role for part in parts for role in part.suite.request.roles})} roles")
    progress = _Progress(context, count)
    tests: list[TestResult] = []
    ends: list[SuiteEnd] = []
    error: AmiError | None = None
    for part, found, end in _each(parts, context, progress):
        tests += found
        ends.append(end)
        try:
            check_complete(found, end)
            check_roles(part.suite, end.collected)
        except AmiError as incomplete:
            error = incomplete
        if error is not None or end.stopped:
            break
    end = joined(ends)
    if isinstance(error, ValidationError):
        error.rounds = end.rounds
    return TestsFinding(
        passed=is_pass(tests),
        summary=error.message if error is not None else counted(tests),
        evidence=_evidence(tuple(tests), end),
        error=error,
        tests=tuple(tests),
        end=end,
    )


def _each(
    parts: tuple[SuitePart, ...], context: MachineContext, progress: _Progress
) -> Iterator[tuple[SuitePart, tuple[TestResult, ...], SuiteEnd]]:
    """What each suite found out. pytest.log has what pytest said in all of them."""
    log = context.request.folder / "pytest.log"
    before, said = 0, ""
    for place, part in enumerate(parts):
        turn = Turn(context.conversation, before, is_last=place == len(parts) - 1)
        suite = part.suite.on(context.machine.instance_id)
        found, end = run_suite(suite, context.request, turn, hear=progress.hear)
        before = turn.following
        if said:
            write_whole(log, f"{said}\n{log.read_text(encoding='utf-8')}")
        said = log.read_text(encoding="utf-8")
        yield part, found, end


def _evidence(tests: tuple[TestResult, ...], end: SuiteEnd) -> dict[str, Any]:
    """What the report says of the suite besides its tests, which stand at the report's top."""
    return {
        "counts": counts_of(tests),
        "roles": dict(end.collected),
        "failed": [test.nodeid for test in tests if test.failed],
        "stopped": end.stopped,
    }


class _Progress:
    """Tells of each test as it ends."""

    def __init__(self, context: MachineContext, count: int) -> None:
        self._context = context
        self._count = count
        self._done = 0

    def hear(self, event: dict[str, Any]) -> None:
        """Take an event of the suite; see suite/plugin.py."""
        if event["event"] != "test":
            return
        self._done += 1
        name = event["nodeid"].partition("::")[2]
        passed = event["outcome"] == "passed"
        outcome = "" if passed else f" {event['outcome'].upper()}"
        what = f"{self._done} of {self._count}: {name}{outcome}"
        self._context.say(what, Stage.TEST, role=event["role"], seconds=event["seconds"], detail=passed)


GATE = MachineGate("tests", "Runs the tests of every role of the image.", prepare, GateOrder.CHANGE)
