"""Gates look at this machine in the place of one that was booted."""

from __future__ import annotations

import re
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.aws.account import Account
from orchestrator.aws.placement import Placement
from orchestrator.errors import Interrupted
from orchestrator.progress import ignore
from orchestrator.validate.batch.question import Question
from orchestrator.validate.batch.script import SPOOL
from orchestrator.validate.errors import ConnectionFault, MachineLost
from orchestrator.validate.gate import Finding, Gate
from orchestrator.validate.gates import boot
from orchestrator.validate.inspection import error_of, inspect, look
from orchestrator.validate.machine.boot import BootedMachine
from orchestrator.validate.request import ImageFacts, ValidateRequest
from orchestrator.validate.round import CallCount
from tests.unit.validate.shell_transport import LocalShell

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from orchestrator.validate.machine_gate import MachineContext

DOCS = Path(__file__).parents[3] / "docs/validating.md"
NOWHERE = Account("us-east-1", endpoint="http://127.0.0.1:1", access_key="key", secret_key="s3cret")


class ShellElsewhere(LocalShell):
    """This machine's shell, whose sessions have their folders in `spool`."""

    def __init__(self, spool: Path, *mishaps: Callable[[LocalShell, str], str]) -> None:
        super().__init__(*mishaps)
        self._spool = spool

    def run(self, script: str, seconds: float, tally: CallCount) -> str:
        return super().run(script.replace(SPOOL, str(self._spool)), seconds, tally)


@dataclass
class Here:
    """A way to this machine. `mishaps` happen to the first scripts of the first gate."""

    spool: Path
    mishaps: tuple[Callable[[LocalShell, str], str], ...] = ()
    ssh: bool = False
    tally: CallCount = field(default_factory=CallCount)
    lack: str = ""

    def transport(self, _instance_id: str, _stop: threading.Event) -> LocalShell:
        mishaps, self.mishaps = self.mishaps, ()
        return ShellElsewhere(self.spool, *mishaps)

    def prepared(self, _kept: Callable[[], bool]) -> AbstractContextManager[str]:
        return nullcontext("")

    def answers(self, _instance_id: str, _found: Mapping[str, Any]) -> bool:
        return True

    def awaited(self, _instance_id: str, _waited: float) -> str:
        return ""

    def silence(self, _instance_id: str, _seconds: float) -> tuple[str, str]:
        return "", ""

    def lost(self, _instance_id: str) -> MachineLost | None:
        return None

    def way_in(self, _instance_id: str) -> str:
        return "sh"


@pytest.fixture
def request_here(tmp_path: Path) -> ValidateRequest:
    return ValidateRequest(
        account=NOWHERE,
        ami_id="ami-1",
        image=ImageFacts("web", "v1", ("base",), ()),
        tests=(),
        run="run-1",
        folder=tmp_path,
        placement=Placement((("t3.small", ""),), profile="ami-lab"),
        masks=("s3cret",),
    )


def says(*commands: str) -> Callable[[MachineContext], Finding]:
    """A gate that passes with what commands write."""

    def run(context: MachineContext) -> Finding:
        texts = [answer.stdout.decode().strip() for answer in context.answers(*commands)]
        return Finding(passed=True, summary=f"{len(texts)} texts", evidence=texts)

    return run


def fails(_: object) -> Finding:
    return Finding(passed=False, summary="too many", evidence={"packages": 3})


def breaks(_: object) -> Finding:
    raise KeyError("s3cret of a bug")


def inspected(
    request: ValidateRequest, *runs: Callable[[MachineContext], Finding], way: Here | None = None
) -> tuple[Finding, ...]:
    gates = [Gate(f"gate{place}", "Looks.", run) for place, run in enumerate(runs)]
    machine = BootedMachine("i-1", way or Here(request.folder))
    return inspect(gates, request, machine, ignore)


def test_every_gate_looks_when_one_fails_and_one_raises(request_here: ValidateRequest) -> None:
    findings = inspected(request_here, says("echo one"), fails, breaks, says("echo two", "echo three"))
    assert [(one.gate, one.passed) for one in findings] == [
        ("gate0", True),
        ("gate1", False),
        ("gate2", False),
        ("gate3", True),
    ]
    assert [one.evidence for one in findings] == [["one"], {"packages": 3}, None, ["two", "three"]]
    assert isinstance(error_of(findings), KeyError)
    assert all(one.seconds > 0 for one in findings)


def test_gates_share_one_session_when_they_use_the_same_numbers(request_here: ValidateRequest) -> None:
    """A command runs for each gate that says it, in the one folder that the first has made."""
    counts = "echo x >>COUNT; wc -l <COUNT".replace("COUNT", str(request_here.folder / "count"))
    findings = inspected(request_here, says(counts), says(counts), says(counts))
    assert [one.evidence for one in findings] == [["1"], ["2"], ["3"]]
    (session,) = [path for path in request_here.folder.iterdir() if path.is_dir()]
    assert (session / "claimed").is_dir()


def test_a_gate_asks_as_often_as_it_likes(request_here: ValidateRequest) -> None:
    def asks(context: MachineContext) -> Finding:
        texts = [context.answers(f"echo {word}", "echo end")[0].stdout.decode() for word in ("one", "two", "three")]
        return Finding(passed=True, summary="", evidence=texts)

    assert [one.evidence for one in inspected(request_here, asks)] == [["one\n", "two\n", "three\n"]]


def test_the_next_gate_asks_when_one_has_closed_its_conversation(request_here: ValidateRequest) -> None:
    """As the process of the tests does at its end."""

    def closes(context: MachineContext) -> Finding:
        context.conversation.close()
        return Finding(passed=True, summary="")

    assert [one.evidence for one in inspected(request_here, closes, says("echo still"))] == [None, ["still"]]


def test_the_rest_is_not_run_when_the_machine_cannot_be_asked(request_here: ValidateRequest) -> None:
    def refused(_shell: LocalShell, _script: str) -> str:
        raise ConnectionFault("Systems Manager may not command s3cret")

    way = Here(request_here.folder, (refused,))
    findings = inspected(request_here, says("true"), fails, fails, way=way)
    said = "Systems Manager may not command ********"
    assert [one.summary for one in findings] == [said, f"not run: {said}", f"not run: {said}"]
    assert not any(one.passed for one in findings)
    assert isinstance(error_of(findings), ConnectionFault)


@pytest.mark.parametrize("error", [Interrupted("stopped"), KeyboardInterrupt()])
def test_interrupts_pass(error: BaseException, request_here: ValidateRequest) -> None:
    def stops(_: object) -> Finding:
        raise error

    with pytest.raises(type(error)):
        inspected(request_here, says("true"), stops)


def test_no_gate_begins_when_the_validation_is_stopped(request_here: ValidateRequest) -> None:
    begun: list[str] = []

    def stops(context: MachineContext) -> Finding:
        begun.append("first")
        context.request.stop.set()
        return Finding(passed=True, summary="")

    def never(_: object) -> Finding:
        begun.append("second")
        return Finding(passed=True, summary="")

    with pytest.raises(Interrupted, match="the validation of ami-1 was stopped"):
        inspected(request_here, stops, never)
    assert begun == ["first"]


@pytest.mark.parametrize("evidence", [{1, 2}, float("nan"), b"bytes"])
def test_evidence_that_json_cannot_carry_is_an_error(evidence: object) -> None:
    finding = look(Gate("odd", "Looks.", lambda _: Finding(passed=True, summary="", evidence=evidence)), None)
    assert (finding.passed, finding.evidence) == (False, None)
    assert isinstance(finding.error, TypeError | ValueError)


def test_a_gate_looks_at_whatever_it_is_for() -> None:
    """A version, say, of which there is no machine."""

    def is_new(version: str) -> Finding:
        return Finding(passed=version > "2026", summary=f"of {version[:4]}", evidence=(version,))

    finding = look(Gate("age", "The version is of this year.", is_new), "2026.11.27")
    assert replace(finding, seconds=0) == Finding(
        passed=True, summary="of 2026", evidence=["2026.11.27"], gate="age", about="The version is of this year."
    )


def test_secrets_are_hidden_in_findings() -> None:
    def tells(_: object) -> Finding:
        return Finding(passed=False, summary="s3cret", evidence={"s3cret": ["a s3cret"]})

    finding = look(Gate("tells", "Looks.", tells), None, ["s3cret"])
    assert (finding.summary, finding.evidence) == ("********", {"********": ["a ********"]})
    assert look(Gate("breaks", "Looks.", breaks), None, ["s3cret"]).summary == "KeyError: '******** of a bug'"


def test_no_finding_passes_that_came_to_no_end() -> None:
    half = Finding(passed=True, summary="half", error=RuntimeError("memory"))
    assert not look(Gate("half", "Looks.", lambda _: half), None).passed


def test_an_error_of_the_machine_comes_first() -> None:
    """A machine that was lost is replaced, whatever else a gate made of its silence."""
    lost = MachineLost("gone")
    findings = [Finding(passed=False, summary="", error=error) for error in (ValueError("empty"), lost)]
    assert error_of(findings) is lost
    assert error_of(findings[:1]) is findings[0].error
    assert error_of([Finding(passed=False, summary="a finding is no error")]) is None


def test_the_gate_of_the_docs_looks(request_here: ValidateRequest) -> None:
    """docs/validating.md shows a whole file."""
    (shown,) = re.findall(r"```python\n(from orchestrator.*?)```", DOCS.read_text(encoding="utf-8"), flags=re.DOTALL)
    module: dict[str, Any] = {}
    exec(shown.replace("dpkg-query", "printf '%s 1\\n' bash dash #"), module)  # noqa: S102 - our own docs
    with module["GATE"].prepared(request_here) as gate:
        (finding,) = inspect([gate], request_here, BootedMachine("i-1", Here(request_here.folder)), ignore)
    assert (finding.gate, finding.passed, finding.summary) == ("inventory", True, "2 packages")
    assert finding.evidence == ["bash 1", "dash 1"]


@pytest.mark.parametrize(
    ("command", "summary", "evidence"),
    [
        (
            "echo 'this machine: waiting for cloud-init to end (3 s)'; echo Id=agent.service; echo UMask=0077",
            "waiting for cloud-init to end (3 s)",
            {
                "waits": ["waiting for cloud-init to end (3 s)"],
                "unit": "agent",
                "unit_settings": {"UMask": "0077"},
            },
        ),
        ("true", "nothing to wait for", {"waits": [], "unit": "", "unit_settings": {}}),
        ("sleep 60", "i-1 has not finished booting after 1 s", None),
    ],
)
def test_the_boot_passes_whatever_it_was_waited_for(
    command: str, summary: str, evidence: object, request_here: ValidateRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boot, "_QUESTION", Question(0, command.encode(), 1 if command == "sleep 60" else 30))
    (finding,) = inspected(request_here, boot.run)
    assert (finding.passed, finding.summary, finding.evidence) == (True, summary, evidence)


def test_the_boot_is_an_error_when_its_result_is_unknown(
    request_here: ValidateRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever cannot be asked whether it has booted cannot be tested."""
    monkeypatch.setattr(boot, "_QUESTION", Question(0, b"kill -9 $PPID; sleep 1", 5))
    finding, rest = inspected(request_here, boot.run, says("true"))
    assert isinstance(finding.error, ConnectionFault)
    assert "i-1 was asked whether it has booted" in finding.summary
    assert rest.summary.startswith("not run: ")
