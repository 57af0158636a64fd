"""When ids were made, of EC2 and of Run Command, and which of them a call may not know yet.

EC2's API follows an eventual consistency model: a resource that was just made may be unknown to the next call (EC2
developer guide, "Eventual consistency in the Amazon EC2 API").
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from enum import Enum
from itertools import takewhile
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from orchestrator.lab.api.aws_fault import AwsFault

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

#: Seconds after which an id is forgotten: no rule asks for older ones.
LONGEST = 3600.0

#: What is named in these is about to be made: an older one of that name is a duplicate, not unknown.
MAKERS = ("CreateKeyPair", "ImportKeyPair", "CreateSecurityGroup")


class IdKind(Enum):
    """A kind of resource: the code and message of the refusal (EC2 developer guide, "Error codes")."""

    INSTANCE = ("InvalidInstanceID.NotFound", "The instance ID '{}' does not exist")
    IMAGE = ("InvalidAMIID.NotFound", "The image id '[{}]' does not exist")
    SNAPSHOT = ("InvalidSnapshot.NotFound", "The snapshot '{}' does not exist.")
    GROUP = ("InvalidGroup.NotFound", "The security group '{}' does not exist")
    KEY_PAIR = ("InvalidKeyPair.NotFound", "The key pair '{}' does not exist")
    COMMAND = ("InvocationDoesNotExist", "")

    def unknown(self, name: str) -> AwsFault:
        """The refusal of a call that names one which is not there."""
        code, message = self.value
        return AwsFault(code, message.format(name))


@dataclass(frozen=True)
class RecentId:
    """One resource that was made."""

    kind: IdKind
    region: str
    resource_id: str
    #: Empty for those that have only an id.
    name: str = ""

    @property
    def called(self) -> str:
        """How a call names it by its name: `KeyName=packer_1`; empty when it has none."""
        parameter = {IdKind.KEY_PAIR: "KeyName", IdKind.GROUP: "GroupName"}.get(self.kind)
        return f"{parameter}={self.name}" if parameter and self.name else ""


@dataclass
class RecentIds:
    """What was made lately, in every region."""

    #: Tells monotonic seconds.
    clock: Callable[[], float] = time.monotonic
    _made: dict[RecentId, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, recent: RecentId) -> None:
        """Something was made now."""
        now = self.clock()
        with self._lock:
            # They stand in the order of their time.
            while self._made and now - next(iter(self._made.values())) > LONGEST:
                del self._made[next(iter(self._made))]
            self._made[recent] = now

    def younger(self, seconds: float, region: str) -> tuple[RecentId, ...]:
        """What was made in a region less than so many seconds ago, the youngest first."""
        since = self.clock() - seconds
        with self._lock:
            young = takewhile(lambda entry: entry[1] > since, reversed(self._made.items()))
            return tuple(recent for recent, _ in young if recent.region == region)


def unknown(young: Collection[RecentId], action: str, body: bytes) -> AwsFault | None:
    """The refusal of a call, with this form for its body, that names one of `young`; None when it names none.

    Filters do not count: they omit what is not known.
    """
    if action == "GetCommandInvocation":  # JSON, with an id that cannot be mistaken
        asked = body.decode(errors="replace")
        return next((recent.kind.unknown("") for recent in young if recent.resource_id in asked), None)
    named = {recent.resource_id: recent for recent in young} | {
        recent.called: recent for recent in young if recent.called
    }
    for key, value in parse_qsl(body.decode(errors="replace")):
        if key.startswith("Filter."):
            continue
        # `KeyName`, and `KeyName.1` of a list.
        parameter = key.rstrip("0123456789").rstrip(".").rpartition(".")[2]
        recent = named.get(value) or (None if action in MAKERS else named.get(f"{parameter}={value}"))
        if recent is not None:
            return recent.kind.unknown(value)
    return None
