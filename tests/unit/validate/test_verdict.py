from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest

from orchestrator.errors import DefinitionError, Problem
from orchestrator.validate.errors import ValidationError
from orchestrator.validate.request import ImageFacts
from orchestrator.validate.verdict import (
    AskedCommand,
    SuiteEnd,
    TestOutcome,
    TestResult,
    Verdict,
    check_complete,
    is_pass,
)

WHOLE = SuiteEnd(collected={"nginx": 2}, exit_code=0)


def ended(*outcomes: TestOutcome) -> list[TestResult]:
    return [TestResult("nginx", f"roles/nginx/test_a.py::test_{n}", one, 0.5) for n, one in enumerate(outcomes)]


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([TestOutcome.PASSED], True),
        ([TestOutcome.PASSED, TestOutcome.SKIPPED, TestOutcome.XFAILED, TestOutcome.XPASSED], True),
        ([TestOutcome.PASSED, TestOutcome.FAILED], False),
        ([TestOutcome.PASSED, TestOutcome.ERROR], False),
        ([TestOutcome.SKIPPED], False),
        ([TestOutcome.XFAILED], False),
        ([], False),
    ],
)
def test_an_image_passes_when_something_passed_and_nothing_failed(
    outcomes: list[TestOutcome], *, expected: bool
) -> None:
    assert is_pass(ended(*outcomes)) is expected


def test_a_suite_that_ran_whole_is_complete() -> None:
    check_complete(ended(TestOutcome.PASSED, TestOutcome.FAILED), replace(WHOLE, exit_code=1))


@pytest.mark.parametrize(
    ("end", "count", "said"),
    [
        (replace(WHOLE, fault="the agent could not be reached"), 2, "the agent could not be reached"),
        (SuiteEnd(collected={}), 0, "pytest ended before it had collected"),
        (replace(WHOLE, exit_code=None), 1, "ended when 1 of 2 tests had run"),
        (replace(WHOLE, exit_code=None), 2, "ended when 2 of 2 tests had run"),
        (replace(WHOLE, exit_code=2), 2, "exit code 2"),
        (replace(WHOLE, exit_code=3), 2, "exit code 3"),
        (WHOLE, 1, "only 1 of 2 tests ran"),
        (SuiteEnd(collected={}, exit_code=0), 0, "not a single test"),
    ],
)
def test_a_suite_that_could_not_run_whole_gives_no_verdict(end: SuiteEnd, count: int, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        check_complete(ended(*[TestOutcome.PASSED] * count), end)


def test_files_that_could_not_be_collected_are_named_with_their_lines() -> None:
    problems = (Problem(Path("test_b.py"), 3, "SyntaxError"), Problem(Path("test_a.py"), 1, "ImportError"))
    with pytest.raises(DefinitionError, match=r"test_a.py:1: ImportError\ntest_b.py:3: SyntaxError"):
        check_complete(ended(TestOutcome.PASSED), replace(WHOLE, problems=problems))


@pytest.mark.parametrize(("failed", "stopped", "complete"), [(1, "enough", True), (1, "", False), (0, "enough", False)])
def test_fewer_will_do_when_pytest_stopped_for_failures(failed: int, stopped: str, *, complete: bool) -> None:
    tests = ended(*[TestOutcome.FAILED] * failed, *[TestOutcome.PASSED] * (2 - failed))
    end = SuiteEnd(collected={"nginx": 3}, stopped=stopped, exit_code=min(failed, 1))
    if complete:
        check_complete(tests, end)
        return
    with pytest.raises(ValidationError, match="only 2 of 3 tests ran"):
        check_complete(tests, end)


@pytest.mark.parametrize(
    ("code", "second"), [(1, TestOutcome.SKIPPED), (0, TestOutcome.FAILED), (0, TestOutcome.ERROR)]
)
def test_no_verdict_when_pytest_and_the_tests_do_not_agree(code: int, second: TestOutcome) -> None:
    with pytest.raises(ValidationError, match=f"exit code {code}, but [01] tests are known to have failed"):
        check_complete(ended(TestOutcome.PASSED, second), replace(WHOLE, exit_code=code))


def test_a_result_survives_its_way_between_processes() -> None:
    result = replace(
        ended(TestOutcome.FAILED)[0], asked=(AskedCommand("true", "0"),), message="no", properties=(("size", "3"),)
    )
    assert TestResult.from_json(asdict(result)) == result


def test_counts_are_said_in_a_tag() -> None:
    verdict = Verdict(
        ami_id="ami-1",
        image=ImageFacts("web", "v1", (), ()),
        passed=True,
        tests=tuple(ended(TestOutcome.PASSED, TestOutcome.PASSED, TestOutcome.SKIPPED)),
        instance_id="i-1",
        seconds=1,
        suite_seconds=1,
        calls={},
        rounds=(),
    )
    assert verdict.counted == "passed=2 failed=0 skipped=1"
