"""From an AMI to a verdict: boot it, await it in Systems Manager, run the tests of its roles, report, terminate."""

from __future__ import annotations

import threading
import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from orchestrator import quiet
from orchestrator.aws.account import AwsError, refusal
from orchestrator.errors import StageError
from orchestrator.progress import Event, Stage
from orchestrator.validate.batch.conversation import Conversation
from orchestrator.validate.batch.question import Ended, Question
from orchestrator.validate.errors import ConnectionFault, MachineLost, ValidationError
from orchestrator.validate.machine.boot import Boot
from orchestrator.validate.machine.instance_loss import is_gone
from orchestrator.validate.machine.systemd_unit import SHOW, SystemdUnit, unit_of
from orchestrator.validate.report import set_aside, write_reports
from orchestrator.validate.suite.session import collect, laid_out, run
from orchestrator.validate.verdict import Verdict, check_complete, is_pass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.progress import Listener
    from orchestrator.validate.machine.boot import BootedMachine
    from orchestrator.validate.request import ValidateRequest
    from orchestrator.validate.suite.session import Suite
    from orchestrator.validate.verdict import SuiteEnd, TestResult

#: Agents come up before a machine has finished booting. Neither tool's opinion counts here: tests say what must hold.
#: Then it tells in which unit commands run.
_SETTLE = Question(0, "\n".join([*quiet.script(strict=False, boot=240, limit=600), SHOW]).encode(), 640)
#: Seconds between two looks at whether the validation shall be stopped.
_LOOK = 0.2


def validate(request: ValidateRequest, listener: Listener) -> Verdict:
    """Validate an AMI. The request's `stop` ends it soon: the machine is terminated and Interrupted raised.

    Writes junit.xml, report.json and pytest.log into the request's folder, also when the tests could not be finished.
    Raises NoTests and DefinitionError (tests that cannot be collected) before anything is booted; BootFailed,
    NeverOnline, ConnectionFault and other ValidationErrors when there can be no verdict; LackError when the account
    refuses. A lost machine is
    replaced once; failed tests are final.
    """
    return _Validation(request, listener).verdict()


class _Validation:
    """One validation on its way."""

    def __init__(self, request: ValidateRequest, listener: Listener) -> None:
        self._request = request
        self._listener = listener
        self._began = time.monotonic()
        self._done = 0
        self._unit = SystemdUnit()

    def verdict(self) -> Verdict:
        with laid_out(self._request) as suite:
            count = collect(suite, self._request)
            try:
                return self._on_a_machine(suite, count)
            except AwsError as error:
                raise refusal(error) or StageError(str(error)) from error

    def _on_a_machine(self, suite: Suite, count: int) -> Verdict:
        """Test on a fresh machine, and on a second one if the first is lost: nothing is known about the image then."""
        try:
            with Boot(self._request, self._listener).machine() as machine:
                return self._tested(suite, machine, count)
        except MachineLost as lost:
            self._say(Stage.BOOT, f"testing once more, on another machine: {lost.message}")
        self._done = 0
        set_aside(self._request.folder)
        with Boot(self._request, self._listener, number=2).machine() as machine:
            return self._tested(suite, machine, count)

    def _tested(self, suite: Suite, machine: BootedMachine, count: int) -> Verdict:
        with self._conversation(machine) as conversation:
            self._settle(machine, conversation)
            self._say(Stage.TEST, f"{count} tests of {len(suite.request.roles)} roles")
            began = time.monotonic()
            tests, end = run(
                suite.on(machine.instance_id), self._request, conversation, hear=lambda one: self._hear(one, count)
            )
        verdict = self._reported(machine, tests, end, time.monotonic() - began)
        try:
            check_complete(tests, end)
        except ValidationError as error:
            error.rounds = end.rounds
            raise
        self._say(Stage.TEST, verdict.counted, seconds=verdict.suite_seconds)
        return verdict

    @contextmanager
    def _conversation(self, machine: BootedMachine) -> Iterator[Conversation]:
        """What asks the machine while the block lasts, and until the request's `stop` is set."""
        account, over = self._request.account, threading.Event()

        def follow() -> None:
            while not over.wait(_LOOK):
                if self._request.stop.is_set():
                    over.set()

        follower = threading.Thread(target=follow, name="stop-asking")
        follower.start()
        try:
            transport = machine.reach.transport(machine.instance_id, over)
            yield Conversation(transport, stop=over, gone=lambda: is_gone(account, machine.instance_id))
        finally:
            over.set()
            follower.join()

    def _settle(self, machine: BootedMachine, conversation: Conversation) -> None:
        """Wait until the machine has finished booting; the first question also shows that it can be asked at all."""
        self._say(Stage.AWAIT, f"{machine.instance_id} is online and finishes booting")
        (reply,) = (reply for replies in conversation.ask([_SETTLE], machine.reach.tally) for reply in replies)
        if reply.answer is not None:
            self._unit = unit_of(reply.answer.stdout.decode("utf-8", "replace"))
            self._tell_wait(machine, (reply.answer.stdout + reply.answer.stderr).decode("utf-8", "replace"))
        if reply.ended is Ended.TIMED_OUT:
            self._say(Stage.AWAIT, f"{machine.instance_id} has not finished booting after {_SETTLE.seconds:g} s")
        if reply.ended is Ended.UNCLEAR:
            raise ConnectionFault(f"{machine.instance_id} was asked whether it has booted: {reply.why}")

    def _tell_wait(self, machine: BootedMachine, said: str) -> None:
        """Pass on what the machine was waited for, and what it did not end in time."""
        for line in said.splitlines():
            if line.startswith(quiet.PREFIX):
                self._say(Stage.AWAIT, f"{machine.instance_id}: {line.removeprefix(quiet.PREFIX)}")

    def _reported(
        self, machine: BootedMachine, tests: tuple[TestResult, ...], end: SuiteEnd, suite_seconds: float
    ) -> Verdict:
        tests = tuple(test.in_unit(self._unit) for test in tests)
        verdict = Verdict(
            ami_id=self._request.ami_id,
            image=self._request.image,
            passed=is_pass(tests),
            tests=tests,
            instance_id=machine.instance_id,
            seconds=time.monotonic() - self._began,
            suite_seconds=suite_seconds,
            calls=dict(Counter(end.calls) + machine.reach.tally.calls),
            rounds=end.rounds,
            way_in=machine.way_in if self._request.keep else "",
        )
        write_reports(verdict, self._request.folder)
        return verdict

    def _hear(self, event: dict[str, Any], count: int) -> None:
        if event["event"] == "test":
            self._done += 1
            name = event["nodeid"].partition("::")[2]
            said = "" if event["outcome"] == "passed" else f" {event['outcome'].upper()}"
            self._say(
                Stage.TEST, f"{self._done} of {count}: {name}{said}", role=event["role"], seconds=event["seconds"]
            )

    def _say(self, stage: Stage, message: str, *, role: str = "", seconds: float | None = None) -> None:
        self._listener(Event(self._request.image.name, stage, message=message, role=role, seconds=seconds))
