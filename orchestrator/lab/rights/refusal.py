"""How services say that a caller may not do something.

Source: IAM User Guide, "Troubleshoot access denied error messages"; Amazon EC2 API Reference, "Error codes".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.api.call import Protocol
from orchestrator.lab.rights.evaluation.decision import PolicyKind

if TYPE_CHECKING:
    from orchestrator.lab.api.call import Call
    from orchestrator.lab.rights.evaluation.decision import AccessVerdict
    from orchestrator.lab.rights.evaluation.principal import Caller
    from orchestrator.lab.rights.need import Need

_OF_EC2 = "You are not authorized to perform this operation. "
_FORBIDDEN = 403


def refusal(call: Call, caller: Caller, need: Need, verdict: AccessVerdict) -> AwsFault:
    """The answer to a call that lacks a right."""
    said = sentence(caller, need, verdict, quoted=call.protocol is Protocol.S3)
    match call.protocol:
        case Protocol.EC2:
            return AwsFault("UnauthorizedOperation", _OF_EC2 + said, _FORBIDDEN)
        case Protocol.JSON:
            return AwsFault("AccessDeniedException", said)
        case _:
            return AwsFault("AuthorizationError" if call.service == "sns" else "AccessDenied", said, _FORBIDDEN)


def sentence(caller: Caller, need: Need, verdict: AccessVerdict, *, quoted: bool = False) -> str:
    """Who may not do what, and which kind of policy says so. S3 writes the resource in quotes."""
    kind = verdict.refused_by or PolicyKind.IDENTITY
    resource = f'"{need.resource}"' if quoted else need.resource
    said = f"User: {caller.shown} is not authorized to perform: {need.action} on resource: {resource}"
    if verdict.explicit:
        return f"{said} with an explicit deny in {kind.value}"
    return f"{said} because {kind.none} allows the {need.action} action"
