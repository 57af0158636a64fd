"""What a check of `ami doctor` is: a module of `host/` or `account/` with a `CHECK`, and how it asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.aws.account import AwsError, error_code, refusal, told
from orchestrator.errors import AmiError
from orchestrator.run.doctor.check_result import CheckResult, unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from orchestrator.definition.environment import Environment
    from orchestrator.definition.workspace import Workspace

#: What AWS says to those who may not ask. EC2, S3 and IAM, Systems Manager each have their own word.
DENIED = frozenset({"UnauthorizedOperation", "AccessDenied", "AccessDeniedException", "403"})
#: What a service says that does not know an action: the lab has not all of AWS's.
NOT_THERE = frozenset({"InvalidAction", "UnknownOperationException", "NotImplemented"})


@dataclass(frozen=True)
class DoctorCheck:
    """One check, which changes nothing. It is made in the order of `order`.

    `why` says what goes wrong without the things that it looks for.
    """

    order: int
    why: str
    examine: Callable[[Workspace, Environment], Iterable[CheckResult]]


def asked(what: str, ask: Callable[[], str], mend: str = "", *, needed: bool = True) -> CheckResult:
    """What `ask` says when all is well, and what its error says when it is not.

    `needed` is false for a question that builds do not ask: whoever may not ask it may still build.
    """
    try:
        return CheckResult(what, ok=True, said=ask())
    except AmiError as error:
        return CheckResult(what, ok=False, said=error.message, mend=error.hint or mend)
    except AwsError as error:
        code = error_code(error)
        if code in NOT_THERE or (code in DENIED and not needed):
            return unknown(what, told(error))
        lack = refusal(error)
        said, hint = (lack.message, lack.hint) if lack else (str(error), "")
        return CheckResult(what, ok=False, said=said, mend=hint or mend)
