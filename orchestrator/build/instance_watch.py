"""Watches the machine of a build through EC2, beside Packer: whether there is one, who ended it, and why.

Packer hides both. It asks a full EC2 again and again without a word. A machine that EC2 ended looks to Packer and
Ansible like any trouble with the network, and once Packer has terminated it by itself, EC2 tells of that alone.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Self

from orchestrator.aws.account import AwsError
from orchestrator.build.cause import Gone

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_ec2.type_defs import FilterTypeDef, InstanceTypeDef

    from orchestrator.aws.account import Account
    from orchestrator.build.lack_of_room import LackOfRoom

#: Seconds between two looks when all is well, and how long before an end counts that Packer may still claim as its own.
_PACE, _CLAIM = 10.0, 2.0
#: Seconds between two looks while there is no machine yet.
_LAUNCHES = 2.0
_ENDED = frozenset({"shutting-down", "terminated", "stopping", "stopped"})


class InstanceWatch:
    """Looks at the one machine that has this key pair, in a thread of its own, while a `with` block lasts. A machine
    that had ended before is another's: of a builder that was lost, in the same run.

    Whoever asked for the end does not matter here: `gone` tells what was seen, and `gone_before` what of it counts.
    `launching` tells for how many seconds Packer has been asking for the machine; then `room` is looked for.
    """

    def __init__(
        self, account: Account, key_name: str, room: LackOfRoom | None = None, launching: Callable[[], float] = float
    ) -> None:
        self.gone: Gone | None = None
        self._room, self._launching = room, launching
        self._ec2 = account.client("ec2")
        self._wanted: list[FilterTypeDef] = [{"Name": "key-name", "Values": [key_name]}]
        self._before: frozenset[str] = frozenset()
        self._wake, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._watch, name=f"instance-watch {key_name}", daemon=True)

    def __enter__(self) -> Self:
        self._before = frozenset(machine["InstanceId"] for machine in self._ended())
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._wake.set()
        self._thread.join(_PACE)

    def look(self) -> None:
        """Look at once: something went wrong."""
        self._wake.set()

    def gone_before(self, end_began: int | None) -> Gone | None:
        """The end of the machine, if Packer did not ask for it. `end_began`: when it did (seconds since 1970).

        Of an end that anybody may have asked for, only what EC2 had said before counts, and while Packer has said
        nothing (None) only after a moment: it says first what it is about to do.
        """
        gone = self.gone
        if gone is None or not gone.is_asked_for:
            return gone
        if end_began is None:
            return gone if time.time() - gone.at > _CLAIM else None
        return gone if gone.at < end_began else None

    @property
    def no_room(self) -> str:
        """What EC2 said when it had no room for the machine; empty when it did not say so."""
        return self._room.said if self._room else ""

    def _watch(self) -> None:
        while self.gone is None:
            self._wake.wait(_LAUNCHES if self._launching() else _PACE)
            self._wake.clear()
            if self._over.is_set() or (self._room and self._room.look(self._launching())):
                return
            self._look()

    def _look(self) -> None:
        for machine in self._ended():
            if machine["InstanceId"] not in self._before:
                self.gone = _gone(machine)

    def _ended(self) -> list[InstanceTypeDef]:
        try:
            answer = self._ec2.describe_instances(Filters=self._wanted)
        except AwsError:
            return []  # the next look may succeed; a build does not fail of what only watches it
        machines = (machine for held in answer["Reservations"] for machine in held["Instances"])
        return [machine for machine in machines if machine["State"]["Name"] in _ENDED]


def _gone(machine: InstanceTypeDef) -> Gone:
    reason = machine.get("StateReason", {})
    message = reason.get("Message") or machine.get("StateTransitionReason") or ""
    return Gone(machine["InstanceId"], machine["State"]["Name"], reason.get("Code", ""), message, time.time())
