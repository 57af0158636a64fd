"""Lets gates look: one at whatever it is for, or all of them at one booted machine, over one session with it."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.errors import AmiError, Interrupted
from orchestrator.validate.batch.conversation import Conversation
from orchestrator.validate.errors import ConnectionFault, MachineLost, ValidationError
from orchestrator.validate.excerpts import without_secrets
from orchestrator.validate.gate import Finding
from orchestrator.validate.machine.instance_loss import is_gone
from orchestrator.validate.machine_gate import MachineContext

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from orchestrator.progress import Listener
    from orchestrator.validate.gate import Gate, Subject
    from orchestrator.validate.machine.boot import BootedMachine
    from orchestrator.validate.request import ValidateRequest

#: Seconds between two looks at whether the validation shall be stopped.
_LOOK = 0.2
#: Errors after which there is no machine to look at.
_FINAL = (ConnectionFault, MachineLost)


def look(gate: Gate[Subject], subject: Subject, masks: Sequence[str] = ()) -> Finding:
    """What a gate finds, with `masks` (secrets) hidden in it. What the gate raises becomes the finding's `error`.

    Evidence that JSON cannot carry is an error as well. Raises Interrupted.
    """
    began = time.monotonic()
    try:
        finding = gate.run(subject)
        evidence = json.loads(json.dumps(finding.evidence, allow_nan=False))
    except Interrupted:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it must not take along what other gates found
        finding, evidence = Finding(passed=False, summary=_told(error), error=error), None
    return replace(
        finding,
        passed=finding.passed and finding.error is None,
        summary=str(without_secrets(finding.summary, masks)),
        evidence=without_secrets(evidence, masks),
        gate=gate.name,
        about=gate.about,
        seconds=time.monotonic() - began,
    )


def _told(error: Exception) -> str:
    return error.message if isinstance(error, AmiError) else f"{type(error).__name__}: {error}"


def inspect(
    gates: Sequence[Gate[MachineContext]], request: ValidateRequest, machine: BootedMachine, listener: Listener
) -> tuple[Finding, ...]:
    """One finding for each gate, in their order. A gate that fails, or raises, keeps no other from looking.

    When the machine cannot be asked any more, the findings of the gates that are left say so. Raises Interrupted soon
    after the request's `stop` is set.
    """
    findings: list[Finding] = []
    conversation: Conversation | None = None
    for gate in gates:
        if request.stop.is_set():
            raise Interrupted(f"the validation of {request.ami_id} was stopped")
        if (unheard := next((one for one in findings if isinstance(one.error, _FINAL)), None)) is not None:
            findings.append(_not_run(gate, unheard))
            continue
        with _conversation(request, machine, conversation) as conversation:
            findings.append(look(gate, MachineContext(request, machine, conversation, listener), request.masks))
    return tuple(findings)


def error_of(findings: Iterable[Finding]) -> Exception | None:
    """Why there is no verdict; None when every gate came to its end.

    What is known to be the machine's comes first: it may have been lost, and then another one is looked at.
    """
    errors = [finding.error for finding in findings if finding.error is not None]
    return next((one for one in errors if isinstance(one, ValidationError)), errors[0] if errors else None)


def _not_run(gate: Gate[MachineContext], unheard: Finding) -> Finding:
    """The finding of a gate that could not look, because the machine could not be asked any more by another one."""
    summary = f"not run: {unheard.summary}"
    return Finding(passed=False, summary=summary, error=unheard.error, gate=gate.name, about=gate.about)


@contextmanager
def _conversation(
    request: ValidateRequest, machine: BootedMachine, before: Conversation | None
) -> Iterator[Conversation]:
    """What asks the machine while the block lasts, and until the request's `stop` is set.

    It goes on with the session of the conversation `before`, if there was one.
    """
    over = threading.Event()

    def follow() -> None:
        while not over.wait(_LOOK):
            if request.stop.is_set():
                over.set()

    follower = threading.Thread(target=follow, name="stop-asking")
    follower.start()
    try:
        transport = machine.connection.transport(machine.instance_id, over)
        if before is not None:
            yield before.continued(transport, stop=over)
        else:
            yield Conversation(transport, stop=over, gone=lambda: is_gone(request.account, machine.instance_id))
    finally:
        over.set()
        follower.join()
