"""What is wrong with a call, before AWS's services say it each in their own words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.api.call import Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


#: EC2 has enumerations of a thousand instance types, which no message lists.
_LONG = 300


class Wrong(StrEnum):
    """A kind of mistake."""

    UNKNOWN = "unknown"
    """A parameter that the action does not have."""
    MISSING = "missing"
    """A parameter that the action needs."""
    FORM = "form"
    """A value of another type: text for a number."""
    CONSTRAINT = "constraint"
    """A value that is too long, too small, or none of those that there are."""


@dataclass(frozen=True)
class Complaint:
    """One mistake: where, which value, and what the value must be."""

    wrong: Wrong
    path: tuple[str, ...]
    """Names of members and numbers of list entries from 1, from the outside in."""
    value: str = ""
    must: str = ""
    """`Member must satisfy enum value set: [A, B]`, or the type that was expected."""

    @property
    def dotted(self) -> str:
        """`Filters.1.Name`."""
        return ".".join(self.path)

    @property
    def at(self) -> str:
        """`filters.1.name`, as AWS's validation tells places."""
        return ".".join(name[:1].lower() + name[1:] for name in self.path)


def refusal(protocol: Protocol, complaints: Sequence[Complaint]) -> AwsFault:
    """What a service says to a call with these mistakes, of which there is one at least.

    EC2's words are those of its guide's "Error codes for the Amazon EC2 API"; the other services list all constraints
    that do not hold in one ValidationException, or ValidationError where they speak the query protocol ("Common
    errors" of their API References). That the other services take members that they do not know is on no page: the
    lab refuses these, because nothing would come of them.
    """
    first = complaints[0]
    if protocol is Protocol.EC2:
        return _ec2(first)
    code = "ValidationException" if protocol is Protocol.JSON else "ValidationError"
    if first.wrong is Wrong.UNKNOWN:
        return AwsFault(code, f"The parameter {first.dotted} is not recognized")
    if first.wrong is Wrong.FORM:
        code = "SerializationException" if protocol is Protocol.JSON else "MalformedInput"
        return AwsFault(code, f"{first.dotted}: {first.value!r} can not be converted to {first.must}")
    if first.wrong is Wrong.MISSING and protocol is Protocol.QUERY:
        return AwsFault(code, f"1 validation error detected: {_broken(first)}")
    same = [each for each in complaints if each.wrong in (Wrong.MISSING, Wrong.CONSTRAINT)]
    plural = "s" if len(same) > 1 else ""
    return AwsFault(code, f"{len(same)} validation error{plural} detected: {'; '.join(map(_broken, same))}")


def _broken(complaint: Complaint) -> str:
    if complaint.wrong is Wrong.MISSING:
        return f"Value null at '{complaint.at}' failed to satisfy constraint: Member must not be null"
    return f"Value '{complaint.value}' at '{complaint.at}' failed to satisfy constraint: {complaint.must}"


def _ec2(complaint: Complaint) -> AwsFault:
    match complaint.wrong:
        case Wrong.UNKNOWN:
            return AwsFault("UnknownParameter", f"The parameter {complaint.dotted} is not recognized")
        case Wrong.MISSING:
            return AwsFault("MissingParameter", f"The request must contain the parameter {complaint.dotted}")
    what = f"Value ({complaint.value}) for parameter {complaint.path[-1]} is invalid."
    must = complaint.must if len(complaint.must) < _LONG else ""
    return AwsFault("InvalidParameterValue", f"{what} {must}".rstrip())
