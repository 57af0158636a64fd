"""The gate `boot`: waits until a machine has finished booting, and says what it was waited for.

Agents come up before a machine has finished booting. This gate rejects no image: whether cloud-init or a unit may fail,
the tests of roles say.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from orchestrator import quiet
from orchestrator.progress import Stage
from orchestrator.validate.batch.question import Ended, Question
from orchestrator.validate.errors import ConnectionFault
from orchestrator.validate.gate import Finding
from orchestrator.validate.machine.systemd_unit import SHOW, SystemdUnit, unit_of
from orchestrator.validate.machine_gate import GateOrder, MachineContext, MachineGate, at_once

#: Waits, then shows in which unit commands run.
_QUESTION = Question(0, "\n".join([*quiet.script(strict=False, boot=240, limit=600), SHOW]).encode(), 640)


@dataclass(frozen=True)
class BootFinding(Finding):
    """A finding of this gate."""

    #: The unit in which commands run on the machine.
    unit: SystemdUnit = field(default_factory=SystemdUnit)


def run(context: MachineContext) -> BootFinding:
    """Wait for the machine. The first question also shows that it can be asked at all.

    Raises ConnectionFault when it cannot.
    """
    name = context.machine.instance_id
    context.say(f"{name} is online and finishes booting", Stage.AWAIT)
    reply = context.replies(_QUESTION)[_QUESTION.number]
    if reply.ended is Ended.UNCLEAR:
        raise ConnectionFault(f"{name} was asked whether it has booted: {reply.why}")
    if reply.ended is Ended.TIMED_OUT:
        summary = f"{name} has not finished booting after {_QUESTION.seconds:g} s"
        context.say(summary, Stage.AWAIT)
        return BootFinding(passed=True, summary=summary)
    if reply.answer is None:
        return BootFinding(passed=True, summary=f"nothing is known of the boot: {reply.ended}")
    waits = _waits((reply.answer.stdout + reply.answer.stderr).decode("utf-8", "replace"))
    for wait in waits:
        context.say(f"{name}: {wait}", Stage.AWAIT)
    unit = unit_of(reply.answer.stdout.decode("utf-8", "replace"))
    evidence = {"waits": waits, "unit": unit.name, "unit_settings": dict(unit.settings)}
    return BootFinding(passed=True, summary=waits[-1] if waits else "nothing to wait for", evidence=evidence, unit=unit)


def _waits(said: str) -> list[str]:
    """What the machine was waited for, and what it did not end in time."""
    return [line.removeprefix(quiet.PREFIX) for line in said.splitlines() if line.startswith(quiet.PREFIX)]


GATE = MachineGate(
    "boot", "Waits until systemd, cloud-init and apt are quiet. It rejects nothing.", at_once(run), GateOrder.SETTLE
)
