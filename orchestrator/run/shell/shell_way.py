"""The ways to a shell on a machine: podman in the lab, SSH with a key that is known, or Systems Manager."""

from __future__ import annotations

import shlex
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.aws import session
from orchestrator.aws.account import is_loopback
from orchestrator.errors import Interrupted, LackError, UsageError
from orchestrator.run.shell.foreground import foreground
from orchestrator.validate.batch.conversation import Conversation
from orchestrator.validate.batch.question import Question
from orchestrator.validate.machine.podman_exec import container_of
from orchestrator.validate.machine.transport import RunCommandTransport
from orchestrator.validate.options import ConnectionKind
from orchestrator.validate.round import CallCount

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.aws.account import Account

#: Seconds that a command may take over Systems Manager.
LONGEST = 3600.0
#: The shell of a person.
_SHELL = ("bash", "-l")


@dataclass(frozen=True)
class ShellWay:
    """How a person gets to one machine. `ssh` is the command that opens SSH, when that is the way."""

    account: Account
    instance_id: str
    kind: ConnectionKind
    ssh: str = ""

    def open(self, command: Sequence[str]) -> int:
        """Open a shell, or run a command, as root; over SSH a shell is the user's. The exit code of either.

        Raises LackError when the machine cannot be reached from here, Interrupted when a signal ended it.
        """
        match self.kind:
            case ConnectionKind.PODMAN:
                return _at_terminal(self._podman(command))
            case ConnectionKind.SSH:
                as_root = ["sudo", "-n", "--", shlex.join(command)] if command else []
                return _at_terminal([*shlex.split(self.ssh), *as_root])
            case ConnectionKind.SSM if command:
                return _run_command(self.account, self.instance_id, command)
            case ConnectionKind.SSM:
                return _at_terminal(*session.start(self.account, self.instance_id))

    def _podman(self, command: Sequence[str]) -> list[str]:
        container = container_of(self.instance_id)
        if not container:
            what = f"no container of {self.instance_id} runs on this host"
            raise LackError(what, hint="machines of a lab are reached on the host where `ami lab up` was typed")
        terminal = ["--tty"] if sys.stdin.isatty() and sys.stdout.isatty() else []
        return ["podman", "exec", "--interactive", *terminal, container, *(command or _SHELL)]


def way_to(account: Account, wanted: ConnectionKind | None) -> ConnectionKind:
    """The way that is `wanted`, else podman in the lab, and Systems Manager elsewhere."""
    return wanted or (ConnectionKind.PODMAN if is_lab(account) else ConnectionKind.SSM)


def is_lab(account: Account) -> bool:
    """Whether machines of this account are containers of this host."""
    return bool(account.endpoint) and is_loopback(account.endpoint)


def check(kind: ConnectionKind, name: str, command: Sequence[str]) -> None:
    """Raise LackError or UsageError when there will be no shell that way. It asks no machine: none need be there."""
    if kind is ConnectionKind.SSM and not command:
        session.check()
        if not sys.stdin.isatty():
            raise UsageError("a session of Systems Manager needs a terminal", hint=f"ami shell {name} -- COMMAND")


def _at_terminal(argv: Sequence[str], env: dict[str, str] | None = None) -> int:
    code, ended = foreground(argv, env=env)
    if ended:
        raise Interrupted("the shell was ended by a signal")
    return code


def _run_command(account: Account, instance_id: str, command: Sequence[str]) -> int:
    """Run a command by Run Command; what it writes is shown when it has ended. Raises as Conversation and Reply do."""
    stop = threading.Event()
    question = Question(0, shlex.join(command).encode("utf-8", "surrogateescape"), LONGEST)
    conversation = Conversation(RunCommandTransport(account, instance_id, stop=stop), stop=stop)
    ((reply,),) = conversation.ask([question], CallCount())
    answer = reply.of(question)
    for stream, content in ((sys.stdout, answer.stdout), (sys.stderr, answer.stderr)):
        stream.flush()
        stream.buffer.write(content)
        stream.flush()
    return answer.code
