"""Gates are found as modules of one folder, and the verdict has what each found."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from orchestrator.aws.account import Account
from orchestrator.aws.placement import Placement
from orchestrator.validate import gates
from orchestrator.validate.gate import Finding
from orchestrator.validate.gates.boot import BootFinding
from orchestrator.validate.machine.boot import BootedMachine
from orchestrator.validate.machine.connection import OverSsm
from orchestrator.validate.machine.systemd_unit import SystemdUnit
from orchestrator.validate.request import ImageFacts, ValidateRequest
from orchestrator.validate.round import Round
from orchestrator.validate.validate import machine_gates, verdict_of
from orchestrator.validate.verdict import SuiteEnd, TestOutcome, TestResult, TestsFinding

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TINY = """
from orchestrator.validate.gate import Finding
from orchestrator.validate.machine_gate import MachineGate, at_once

def run(context):
    (answer,) = context.answers("uname -s")
    return Finding(passed=False, summary="not this kernel", evidence=answer.stdout.decode())

GATE = MachineGate("kernel", "The kernel is another one.", at_once(run))
"""
ROUND = Round(number=1, waiting=3, commands=2, calls=3, scripts=1, parts=0, seconds=1.5)


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One more file in the folder of gates."""
    (tmp_path / "kernel.py").write_text(TINY)
    monkeypatch.setattr(gates, "__path__", [*gates.__path__, str(tmp_path)])
    yield
    sys.modules.pop("orchestrator.validate.gates.kernel", None)


@pytest.fixture
def request_of_web(tmp_path: Path) -> ValidateRequest:
    return ValidateRequest(
        account=Account("us-east-1", endpoint="http://127.0.0.1:1", access_key="key", secret_key="s3cret"),
        ami_id="ami-1",
        image=ImageFacts("web", "v1", ("base",), ("nginx",)),
        tests=(),
        run="run-1",
        folder=tmp_path,
        placement=Placement((("t3.small", ""),), profile="ami-lab"),
    )


@pytest.mark.usefixtures("added")
def test_a_gate_is_added_by_one_file() -> None:
    """It looks before the tests, which may change the machine, and after the boot."""
    assert [gate.name for gate in machine_gates()] == ["boot", "kernel", "machine", "tests"]


def test_the_gates_of_the_house_are_boot_machine_and_tests() -> None:
    assert [gate.name for gate in machine_gates()] == ["boot", "machine", "tests"]


def test_a_verdict_passes_when_every_finding_does(request_of_web: ValidateRequest) -> None:
    """The fields of old come from the findings of boot and tests, and each gate has a section."""
    machine = BootedMachine("i-1", OverSsm(request_of_web))
    machine.connection.tally.call("send_command")
    test = TestResult("nginx", "roles/nginx/tests/test_a.py::test_a", TestOutcome.PASSED, 0.5)
    end = SuiteEnd({"nginx": 1}, exit_code=0, calls={"send_command": 2}, rounds=(ROUND,))
    boot = BootFinding(passed=True, summary="nothing to wait for", gate="boot", unit=SystemdUnit("agent"))
    tests = TestsFinding(passed=True, summary="passed=1", gate="tests", tests=(test,), end=end, seconds=3.0)
    tiny = Finding(passed=False, summary="not this kernel", evidence="Linux", gate="kernel", about="Looks.")

    verdict = verdict_of((boot, tests), request_of_web, machine, seconds=9.0)
    assert (verdict.passed, verdict.tests, verdict.rounds) == (True, (test,), (ROUND,))
    assert (verdict.seconds, verdict.suite_seconds, verdict.calls) == (9.0, 3.0, {"send_command": 3})

    verdict = verdict_of((boot, tiny, tests), request_of_web, machine, seconds=9.0)
    assert not verdict.passed
    assert verdict.counted == "passed=1 failed=0"
    assert verdict.failure == "gate kernel failed: not this kernel"
    with_both = replace(verdict, tests=(replace(test, outcome=TestOutcome.FAILED),))
    assert with_both.failure == "1 of 1 tests failed, gate kernel failed: not this kernel"
    report = verdict.as_json()
    assert [section["gate"] for section in report["gates"]] == ["boot", "kernel", "tests"]
    assert report["gates"][1] == {
        "gate": "kernel",
        "about": "Looks.",
        "passed": False,
        "summary": "not this kernel",
        "evidence": "Linux",
        "error": "",
        "seconds": 0.0,
    }
    assert "findings" not in report


def test_a_verdict_without_findings_of_the_tests_does_not_pass(request_of_web: ValidateRequest) -> None:
    """The boot could not be awaited: nothing was run."""
    broken = Finding(passed=False, summary="cannot be asked", error=ConnectionError("x"), gate="boot")
    verdict = verdict_of((broken,), request_of_web, BootedMachine("i-1", OverSsm(request_of_web)), seconds=1.0)
    assert (verdict.passed, verdict.tests, verdict.suite_seconds) == (False, (), 0.0)
    assert verdict.as_json()["gates"][0]["error"] == "ConnectionError"
