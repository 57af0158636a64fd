"""What can go wrong between an AMI and its verdict.

StageError
├── ValidationError          the tests could not run: there is no verdict, and never a pass
│   ├── NoTests              a role brings no test
│   ├── BootFailed           the machine did not come up
│   ├── MachineLost          the machine ended, and the image is not to blame
│   ├── NeverOnline          the machine runs, but cannot be reached
│   └── ConnectionFault      the machine could not be asked, or its answer is not to be trusted
│       ├── NoResponse       nothing came back, for reasons that may pass: whether a script ran is unknown
│       ├── CorruptResponse  what came back is cut or altered, or says that the script failed
│       └── Unwritable       the machine has no place for what is asked
├── CommandTimedOut          one command took too long: its test fails, the others go on
├── OutputTooLarge           one command said too much: likewise
└── CommandUnclear           nobody knows how one command ended: there is no verdict, whatever its test makes of it
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.errors import StageError

if TYPE_CHECKING:
    from orchestrator.validate.round import Round


class ValidationError(StageError):
    """The tests could not run, so nothing is known about the image. `rounds` are those in which they had asked."""

    rounds: tuple[Round, ...] = ()


class NoTests(ValidationError):
    """A role brings no test: what was written lacks its proof. `roles` names all of them."""

    exit_code = 2

    def __init__(self, roles: tuple[str, ...]) -> None:
        self.roles = roles
        named = ", ".join(f"'{role}'" for role in roles)
        many = len(roles) > 1
        super().__init__(
            f"{'roles' if many else 'role'} {named} {'have' if many else 'has'} no tests",
            hint="every role needs proof: write roles/<role>/tests/test_<role>.py, or tests/roles/<role>/test_<role>.py"
            " for a role from elsewhere; or let the layer say why there is none: `untested: {<role>: REASON}`",
        )


class BootFailed(ValidationError):
    """The machine did not come up."""


class MachineLost(ValidationError):
    """The machine ended, or its agent fell silent, before its tests had: nothing is known about the image."""


class NeverOnline(ValidationError):
    """The machine runs, but never answered: its agent is unknown to Systems Manager, or SSH lets nobody in."""


class ConnectionFault(ValidationError):
    """The machine could not be asked, or its answer is missing, cut or altered."""


class NoResponse(ConnectionFault):
    """Nothing came back, for reasons that may pass. Whether the machine has run the script is unknown."""


class CorruptResponse(ConnectionFault):
    """What came back is cut or altered, or says that the script itself failed."""


class Unwritable(ConnectionFault):
    """The folder in which questions are answered cannot be made on the machine."""


class CommandTimedOut(StageError):
    """A command did not end in time and was stopped. `command` as it was run, `seconds` the limit."""

    def __init__(self, command: str, seconds: float) -> None:
        self.command = command
        self.seconds = seconds
        super().__init__(
            f"the command did not end within {seconds:g} s and was stopped: {command}",
            hint="give it longer: host.run(..., timeout=SECONDS)",
        )


class OutputTooLarge(StageError):
    """A command wrote more than is carried. `size` in bytes, both streams together."""

    def __init__(self, command: str, size: int, limit: int) -> None:
        self.command = command
        self.size = size
        super().__init__(
            f"the command wrote {size:,} bytes, more than the {limit:,} that are carried: {command}",
            hint="let the machine do the search: grep, head, sha256sum",
        )


class CommandUnclear(StageError):
    """Whether a command ran, or how it ended, cannot be known any more; it is not run again. `why` in words."""

    def __init__(self, command: str, why: str) -> None:
        self.command = command
        super().__init__(f"the result of the command is unknown ({why}): {command}", hint="validate the AMI again")
