"""The system's facts that Testinfra looks at before it can answer anything: asked once, before there are any tests."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING

from testinfra.backend.base import BaseBackend

from orchestrator.validate.batch.attributes import Attributes
from orchestrator.validate.batch.question import Question
from orchestrator.validate.workers.ipc import Fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    import testinfra.host

    from orchestrator.validate.batch.question import Answer, Reply
    from orchestrator.validate.workers.asker import MachineUnderTest

#: Testinfra asks these of every machine (testinfra/modules/systeminfo.py, and `get_module_class` of its modules). None
#: of them changes while a machine runs, unless a test changes it: see Coordinator.
COMMANDS: tuple[bytes, ...] = (
    b"uname -s",
    b"uname -m",
    b"cat /etc/os-release",
    b"realpath /bin/ps",
    b"command -v command",
    *(
        f"command -v {program}".encode()
        for program in (
            "systemctl",
            "dpkg-query",
            "rpm",
            "apk",
            "brew",
            "ss",
            "netstat",
            "sysctl",
            "ip",
            "iptables",
            "nc",
        )
    ),
    *(Attributes.all_of(BaseBackend.quote, path).encode() for path in ("/run/systemd/system/", "/bin/busybox")),
)

#: Testinfra's modules that choose how to ask by what the system is.
_CHOOSING = ("file", "package", "service", "socket", "process", "sysctl", "interface", "mount_point", "user", "group")


def questions() -> tuple[Question, ...]:
    """The facts as questions, the first of a session."""
    return tuple(Question(number, command) for number, command in enumerate(COMMANDS, start=1))


def asked_of(machine: MachineUnderTest) -> dict[bytes, Reply] | Fault:
    """Ask a machine for the facts, and wait. What went wrong with one of them is left to the tests that need it."""
    asked = {question.number: question.command for question in questions()}
    known: dict[bytes, Reply] = {}
    machine.send(0, len(asked), questions())
    while len(known) < len(asked):
        select.select([machine], [], [])
        for event in machine.receive():
            if isinstance(event, Fault):
                return event
            known.update({asked[reply.number]: reply for reply in event[1]})
    return known


class KnownFacts:
    """An Asker that knows the facts and nothing else."""

    def __init__(self, known: Mapping[bytes, Reply]) -> None:
        self._known = known

    def ask(self, command: bytes, seconds: float, *, reads: bool) -> Answer:  # noqa: ARG002 - it is an Asker
        """The answer to one of COMMANDS. Raises LookupError for any other."""
        answer = self._known[command].answer
        if answer is None:
            raise LookupError(command)
        return answer


def take_in(host: testinfra.host.Host, known: Mapping[bytes, Reply]) -> None:
    """Let a host, whose backend has an `asker`, remember the facts; what they do not tell, it asks when it must."""
    backend = host.backend
    asker, backend.asker = backend.asker, KnownFacts(known)
    try:
        for look in (lambda: host.has_command_v, lambda: host.system_info.sysinfo):
            _tried(look)
        for name in _CHOOSING:
            _tried(lambda name=name: getattr(host, name))
    finally:
        backend.asker = asker


def _tried(look: object) -> None:
    try:
        look()  # type: ignore[operator]
    except (LookupError, RuntimeError, NotImplementedError, AssertionError):
        return
