"""The Testinfra backend `ssm`: every question of a test becomes a question to a Connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import testinfra.backend
from testinfra.backend.base import BaseBackend, CommandResult

from orchestrator.validate.connection import PATIENCE

if TYPE_CHECKING:
    from orchestrator.validate.connection import Asker


class SsmBackend(BaseBackend):  # type: ignore[misc]  # testinfra is untyped for mypy here
    """Commands run as root, unless `host.sudo(user)` says otherwise. `host.run(..., timeout=SECONDS)` waits longer."""

    NAME = "ssm"

    def __init__(self, hostname: str, *args: Any, asker: Asker, **kwargs: Any) -> None:
        super().__init__(hostname, *args, **kwargs)
        self._asker = asker
        self._encoding = "UTF-8"

    def run(self, command: str, *args: str, timeout: float = PATIENCE, **_kwargs: Any) -> CommandResult:
        """Run a command. Raises CommandTimedOut, OutputTooLarge and ConnectionFault."""
        line = self.encode(self.get_command(command, *args))
        answer = self._asker.ask(line, timeout)
        return self.result(answer.code, line, answer.stdout, answer.stderr)


def register() -> None:
    """Make the backend known to Testinfra under its name."""
    testinfra.backend.BACKENDS[SsmBackend.NAME] = f"{SsmBackend.__module__}.{SsmBackend.__qualname__}"
