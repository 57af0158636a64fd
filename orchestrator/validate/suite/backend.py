"""The Testinfra backend `ssm`: every question of a test becomes a question to an Asker."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import testinfra.backend
from testinfra.backend.base import BaseBackend, CommandResult

from orchestrator.validate.batch.attributes import Attributes
from orchestrator.validate.batch.question import PATIENCE
from orchestrator.validate.excerpts import beginning, end
from orchestrator.validate.suite.origin import reads_only

if TYPE_CHECKING:
    from types import FrameType

    from orchestrator.validate.batch.question import Answer
    from orchestrator.validate.workers.asker import Asker


#: Characters of a command and of what it said that an assertion repeats.
_SHOWN = 300
#: Seconds that no command may have.
_FOREVER = 1e6


@dataclass(repr=False)
class SpokenResult(CommandResult):  # type: ignore[misc]  # as below
    """A result that says in an assertion what a person wants to know first."""

    def __repr__(self) -> str:
        """`curl -sf http://localhost exited 7: curl: (7) Failed to connect`: the end of what it said is enough."""
        command = beginning(self.command.decode("utf-8", "backslashreplace"), _SHOWN)
        said = next((text for text in (self.stderr.strip(), self.stdout.strip()) if text), "")
        return f"{command} exited {self.rc}" + (f": {end(said.splitlines()[-1], _SHOWN)}" if said else "")


class SsmBackend(BaseBackend):  # type: ignore[misc]  # testinfra is untyped for mypy here
    """Commands run as root, unless `host.sudo(user)` says otherwise. `host.run(..., timeout=SECONDS)` waits longer."""

    NAME = "ssm"

    def __init__(self, hostname: str, *args: Any, asker: Asker, **kwargs: Any) -> None:
        super().__init__(hostname, *args, **kwargs)
        self.asker = asker
        self._attributes = Attributes()
        self._encoding = "UTF-8"

    def run(self, command: str, *args: str, timeout: float = PATIENCE, **_kwargs: Any) -> CommandResult:
        """Run a command. Raises what an Asker does."""
        __tracebackhide__ = True  # a failure is shown where a test asked
        if not (isinstance(timeout, int | float) and 0 < timeout < _FOREVER):
            raise ValueError(f"timeout={timeout!r}: a command has a number of seconds to end in, above 0")
        line = self.encode(self.get_command(command, *args))
        reads = reads_only(_caller())
        if reads and Attributes.covers(command) and len(args) == 1:
            user = repr(self.sudo and self.sudo_user) if self.sudo else ""
            answer = self._attributes.ask(
                command, args[0], lambda all_of, path: self._asked(timeout, all_of, path), user
            )
        else:
            with self._attributes.forgotten():
                answer = self.asker.ask(line, timeout, reads=reads)
        return SpokenResult(self, answer.code, line, answer.stdout, answer.stderr)

    def _asked(self, timeout: float, command: str, *args: str) -> Answer:
        __tracebackhide__ = True
        return self.asker.ask(self.encode(self.get_command(command, *args)), timeout, reads=True)


def _caller() -> FrameType | None:
    """The frame that called the method which asks this."""
    frame = inspect.currentframe()
    return frame.f_back.f_back if frame is not None and frame.f_back is not None else None


def register() -> None:
    """Make the backend known to Testinfra under its name."""
    testinfra.backend.BACKENDS[SsmBackend.NAME] = f"{SsmBackend.__module__}.{SsmBackend.__qualname__}"
