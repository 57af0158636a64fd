"""From an AMI to a verdict: boot it, let every gate look at the machine, report, terminate."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING

from orchestrator.aws.account import AwsError, refusal
from orchestrator.errors import StageError
from orchestrator.progress import Event, Stage
from orchestrator.registration import modules_of
from orchestrator.validate import gates
from orchestrator.validate.errors import MachineLost
from orchestrator.validate.gates.boot import BootFinding
from orchestrator.validate.inspection import error_of, inspect
from orchestrator.validate.machine.boot import Boot
from orchestrator.validate.report import set_aside, write_reports
from orchestrator.validate.verdict import TestsFinding, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.progress import Listener
    from orchestrator.validate.gate import Finding, Gate
    from orchestrator.validate.machine.boot import BootedMachine
    from orchestrator.validate.machine_gate import MachineContext, MachineGate
    from orchestrator.validate.request import ValidateRequest


def validate(request: ValidateRequest, listener: Listener) -> Verdict:
    """Validate an AMI. The request's `stop` ends it soon: the machine is terminated and Interrupted raised.

    Writes junit.xml, report.json and pytest.log into the request's folder, also when a gate came to no end. Raises
    NoTests and DefinitionError (tests that cannot be collected) before anything is booted; BootFailed, NeverOnline,
    ConnectionFault and other ValidationErrors when there can be no verdict, and whatever else a gate has raised;
    LackError when the account refuses. A lost machine is replaced once; what a gate has found is final.
    """
    return _Validation(request, listener).verdict()


def machine_gates() -> tuple[MachineGate, ...]:
    """Every module of `gates/` is one, in the order in which they look."""
    return tuple(sorted((module.GATE for module in modules_of(gates)), key=lambda gate: (gate.order, gate.name)))


class _Validation:
    """One validation on its way."""

    def __init__(self, request: ValidateRequest, listener: Listener) -> None:
        self._request = request
        self._listener = listener
        self._began = time.monotonic()

    def verdict(self) -> Verdict:
        with ExitStack() as prepared:
            ready = tuple(prepared.enter_context(gate.prepared(self._request)) for gate in machine_gates())
            try:
                return self._on_a_machine(ready)
            except AwsError as error:
                raise refusal(error) or StageError(str(error)) from error

    def _on_a_machine(self, ready: Sequence[Gate[MachineContext]]) -> Verdict:
        """Look at a fresh machine, and at a second one if the first is lost: nothing is known about the image then."""
        try:
            with Boot(self._request, self._listener).machine() as machine:
                return self._judged(ready, machine)
        except MachineLost as lost:
            self._say(Stage.BOOT, f"testing once more, on another machine: {lost.message}")
        set_aside(self._request.folder)
        with Boot(self._request, self._listener, number=2).machine() as machine:
            return self._judged(ready, machine)

    def _judged(self, ready: Sequence[Gate[MachineContext]], machine: BootedMachine) -> Verdict:
        """Report what every gate finds. Raises what kept one from coming to its end: there is no verdict then."""
        findings = inspect(ready, self._request, machine, self._listener)
        verdict = verdict_of(findings, self._request, machine, seconds=time.monotonic() - self._began)
        write_reports(verdict, self._request.folder)
        if (error := error_of(findings)) is not None:
            raise error
        self._say(Stage.TEST, verdict.counted, seconds=verdict.suite_seconds)
        return verdict

    def _say(self, stage: Stage, message: str, *, seconds: float | None = None) -> None:
        self._listener(Event(self._request.image.name, stage, message=message, seconds=seconds))


def verdict_of(
    findings: tuple[Finding, ...], request: ValidateRequest, machine: BootedMachine, *, seconds: float
) -> Verdict:
    """The verdict of all findings: it passes when each does."""
    boot = next((one for one in findings if isinstance(one, BootFinding)), BootFinding(passed=False, summary=""))
    suite = next((one for one in findings if isinstance(one, TestsFinding)), TestsFinding(passed=False, summary=""))
    return Verdict(
        ami_id=request.ami_id,
        image=request.image,
        passed=all(finding.passed for finding in findings),
        tests=tuple(test.in_unit(boot.unit) for test in suite.tests),
        instance_id=machine.instance_id,
        seconds=seconds,
        suite_seconds=suite.seconds,
        calls=dict(Counter(suite.end.calls) + machine.connection.tally.calls),
        rounds=suite.end.rounds,
        way_in=machine.way_in if request.keep else "",
        findings=findings,
    )
