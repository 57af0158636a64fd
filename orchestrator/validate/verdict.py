"""What the tests say about an image: values, and the rules that turn results into a verdict."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from orchestrator.errors import DefinitionError
from orchestrator.validate.errors import ValidationError
from orchestrator.validate.gate import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from orchestrator.errors import Problem
    from orchestrator.validate.machine.systemd_unit import SystemdUnit
    from orchestrator.validate.request import ImageFacts
    from orchestrator.validate.round import Round


class TestOutcome(StrEnum):
    """How a test ended, in pytest's words."""

    __test__ = False  # pytest should not collect it

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"
    XFAILED = "xfailed"
    XPASSED = "xpassed"

    @property
    def allowed(self) -> bool:
        """Whether an image may pass with such a test. pytest reports a strict xpass as failed."""
        return self not in (TestOutcome.FAILED, TestOutcome.ERROR)


@dataclass(frozen=True)
class AskedCommand:
    """One command that a test ran."""

    command: str
    #: Its exit code, or in words why there is none.
    ended: str
    #: What it wrote, both streams, shortened.
    output: str = ""


@dataclass(frozen=True)
class TestResult:
    """One test. One that passed has no message, no details, no output and no commands."""

    __test__ = False  # pytest should not collect it

    role: str
    #: As pytest has it, from the workspace: `roles/nginx/tests/test_nginx.py::test_port[80]`.
    nodeid: str
    outcome: TestOutcome
    #: Its setup, call and teardown together.
    seconds: float
    #: What went wrong in a few lines, or why it was skipped.
    message: str = ""
    #: pytest's whole account, shortened.
    details: str = ""
    #: What pytest captured, shortened.
    output: str = ""
    #: The last commands that it ran.
    asked: tuple[AskedCommand, ...] = ()
    #: What it recorded (pytest's `record_property`).
    properties: tuple[tuple[str, str], ...] = ()
    #: Where it failed, else where it begins: a file, from the workspace, and its line (from 1; 0: not known).
    file: str = ""
    line: int = 0

    @property
    def failed(self) -> bool:
        """Whether an image cannot pass with it."""
        return not self.outcome.allowed

    @property
    def name(self) -> str:
        """Its name without its file's: `test_port[80]`."""
        return self.nodeid.partition("::")[2]

    @property
    def place(self) -> str:
        """Where to look: `roles/nginx/tests/test_nginx.py:12`."""
        file = self.file or self.nodeid.partition("::")[0]
        return f"{file}:{self.line}" if self.line else file

    def in_unit(self, unit: SystemdUnit) -> TestResult:
        """The result with the machine's unit in the second line of its message, when that may be why it failed."""
        blame = unit.blame(*(text for one in self.asked for text in (one.command, one.output))) if self.failed else ""
        first, newline, rest = self.message.partition("\n")
        return replace(self, message=f"{first}\n{blame}{newline}{rest}") if blame else self

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> TestResult:
        """The result that `dataclasses.asdict` turned into an object."""
        asked = tuple(AskedCommand(**one) for one in values["asked"])
        properties = tuple((name, value) for name, value in values["properties"])
        return cls(**{**values, "outcome": TestOutcome(values["outcome"]), "asked": asked, "properties": properties})


@dataclass(frozen=True)
class SuiteEnd:
    """How the process that ran the tests ended."""

    #: How many tests each role brings.
    collected: Mapping[str, int]
    #: In files that could not be collected.
    problems: tuple[Problem, ...] = ()
    #: Why the machine could not be asked any more.
    fault: str = ""
    #: Why pytest stopped when enough tests had failed.
    stopped: str = ""
    #: pytest's; None when it never said one.
    exit_code: int | None = None
    #: API calls by their names.
    calls: Mapping[str, int] = field(default_factory=dict)
    rounds: tuple[Round, ...] = ()


def joined(ends: Iterable[SuiteEnd]) -> SuiteEnd:
    """The end of several suites that ran one after the other, as that of one: rounds are counted through."""
    every = tuple(ends)
    rounds: list[Round] = []
    for each in every:
        first = 1 + max((one.number for one in rounds), default=-1)
        rounds += [replace(one, number=one.number + first) for one in each.rounds]
    collected: Counter[str] = Counter()
    calls: Counter[str] = Counter()
    for each in every:
        collected.update(each.collected)
        calls.update(each.calls)
    codes = [each.exit_code for each in every]
    return SuiteEnd(
        collected=dict(collected),
        problems=tuple(problem for each in every for problem in each.problems),
        fault=next((each.fault for each in every if each.fault), ""),
        stopped=next((each.stopped for each in every if each.stopped), ""),
        exit_code=None if not codes or None in codes else max(code for code in codes if code is not None),
        calls=dict(calls),
        rounds=tuple(rounds),
    )


@dataclass(frozen=True)
class TestsFinding(Finding):
    """What the gate `tests` found out."""

    __test__ = False  # pytest should not collect it

    #: Those that ran, also when not all could be run.
    tests: tuple[TestResult, ...] = ()
    end: SuiteEnd = field(default_factory=lambda: SuiteEnd({}))


@dataclass(frozen=True)
class Verdict:
    """What is known about an AMI after the gates looked at it."""

    ami_id: str
    image: ImageFacts
    #: Whether every gate did.
    passed: bool
    tests: tuple[TestResult, ...]
    instance_id: str
    #: From launch to verdict.
    seconds: float
    #: Of the tests alone.
    suite_seconds: float
    #: API calls by their names.
    calls: Mapping[str, int]
    #: Those in which the tests asked.
    rounds: tuple[Round, ...]
    #: The command that opens a shell on the machine, when it was kept.
    way_in: str = ""
    #: Those of all gates, the tests' among them, in the order in which they looked.
    findings: tuple[Finding, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many tests ended in which way; passed and failed are always there, the others when there are any."""
        return counts_of(self.tests)

    @property
    def counted(self) -> str:
        """The value of the tag `ami:tests`: `passed=41 failed=0`."""
        return counted(self.tests)

    @property
    def failure(self) -> str:
        """Why it does not pass, in one line: `2 of 12 tests failed, gate inventory failed: 3 unknown packages`."""
        others = [one for one in self.findings if not one.passed and not isinstance(one, TestsFinding)]
        failed = sum(test.failed for test in self.tests)
        tests = [f"{failed} of {len(self.tests)} tests failed"] if failed or not others else []
        return ", ".join([*tests, *(f"gate {one.gate} failed: {one.summary}" for one in others)])

    def as_json(self) -> dict[str, Any]:
        """A JSON object with every test, and a section for each gate."""
        values = asdict(replace(self, findings=()))
        del values["findings"]
        return {**values, "counts": self.counts, "gates": [finding.section for finding in self.findings]}


def counts_of(tests: Iterable[TestResult]) -> dict[str, int]:
    """How many tests ended in which way; passed and failed are always there, the others when there are any."""
    found = Counter(test.outcome for test in tests)
    return {
        str(outcome): found[outcome]
        for outcome in TestOutcome
        if found[outcome] or outcome in (TestOutcome.PASSED, TestOutcome.FAILED)
    }


def counted(tests: Iterable[TestResult]) -> str:
    """The counts in one line: `passed=41 failed=0 skipped=2`."""
    return " ".join(f"{name}={count}" for name, count in counts_of(tests).items())


#: pytest's exit codes (pytest documentation, "Exit codes") after which results are complete.
_COMPLETE = (0, 1)


def check_collected(end: SuiteEnd) -> None:
    """Raise DefinitionError for files that could not be collected, ValidationError when pytest itself failed."""
    if end.problems:
        raise DefinitionError(end.problems)
    if end.exit_code is None:
        raise ValidationError("pytest ended before it had collected the tests", hint="see pytest.log")


def check_complete(tests: Iterable[TestResult], end: SuiteEnd) -> None:
    """Raise ValidationError unless every collected test has run on a machine that answered.

    Fewer will do when pytest stopped because enough had failed. What pytest says of the whole (its exit code) has to
    agree with what is known of the tests.
    """
    results = list(tests)
    expected = sum(end.collected.values())
    if end.fault:
        raise ValidationError(f"the tests could not be finished: {end.fault}")
    if end.exit_code is None and expected:
        ran = f"{len(results)} of {expected} tests had run"
        raise ValidationError(f"the process of the tests ended when {ran}", hint="see pytest.log; was memory short?")
    check_collected(end)
    if end.exit_code not in _COMPLETE:
        raise ValidationError(f"pytest ended with exit code {end.exit_code}", hint="see pytest.log")
    if not expected:
        raise ValidationError("not a single test was found")
    failed = sum(one.failed for one in results)
    if len(results) != expected and not (end.stopped and failed):
        raise ValidationError(f"only {len(results)} of {expected} tests ran", hint="see pytest.log")
    if bool(end.exit_code) is not bool(failed):
        raise ValidationError(
            f"pytest ended with exit code {end.exit_code}, but {failed} tests are known to have failed",
            hint="see pytest.log",
        )


def is_pass(tests: Iterable[TestResult]) -> bool:
    """Whether an image passes: every test is allowed, and at least one of them really passed."""
    results = list(tests)
    return not any(one.failed for one in results) and any(one.outcome is TestOutcome.PASSED for one in results)
