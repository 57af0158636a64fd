"""moto's EC2 tables and the lock that whoever reads or writes them holds.

moto's classes are extended by subclasses that take their place before the first backend is made, so whatever launches
an instance (RunInstances, a launch template, an Auto Scaling group) launches one of ours: it takes time to change
state, has the address of a real machine, and its snapshots hold a disk.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from moto.ec2.models import ec2_backends

from orchestrator.lab.accounts.organisation import FIRST
from orchestrator.lab.api.events import Events
from orchestrator.lab.api.faults import Trouble
from orchestrator.lab.api.recent_ids import RecentIds
from orchestrator.lab.times import QUICK

if TYPE_CHECKING:
    import ipaddress
    from collections.abc import Callable, Iterator

    from orchestrator.lab.times import Times

#: The account that moto gives to credentials that nobody made.
ACCOUNT = FIRST


def nothing() -> None:
    """What is woken before anything waits."""


@dataclass
class Tables:
    """Every account's and region's EC2 tables."""

    subnet: ipaddress.IPv4Network
    wake: Callable[[], None] = nothing
    """Called after each change that machines or disks follow."""
    lock: threading.RLock = field(default_factory=threading.RLock)
    recent_ids: RecentIds = field(default_factory=RecentIds)
    trouble: Trouble = field(default_factory=Trouble)
    """What the faults in force do to the call that is being answered."""
    times: Times = QUICK
    """How long things take in this lab."""
    events: Events = field(default_factory=Events)
    """What happens, for whoever listens."""
    reserved: set[str] = field(default_factory=set)
    """Addresses of the lab's network that no machine may have."""
    _last: int = 1

    @contextmanager
    def answering(self, trouble: Trouble) -> Iterator[None]:
        """Hold the tables while a call is answered that has this trouble."""
        with self.lock:
            self.trouble = trouble
            try:
                yield
            finally:
                self.trouble = Trouble()

    def backends(self) -> list[Any]:
        """The EC2 backends that exist so far, one per account and region."""
        return [backend for regions in list(ec2_backends.values()) for backend in list(regions.values())]

    def backend(self, region: str, account: str = ACCOUNT) -> Any:
        """An account's backend of a region, made when it does not exist yet."""
        return ec2_backends[account][region]

    def instances(self) -> Iterator[Any]:
        """Every instance of every region, terminated ones included."""
        for backend in self.backends():
            yield from backend.all_instances()

    def instance(self, instance_id: str) -> Any | None:
        """An instance by its id, wherever it is."""
        return next((instance for instance in self.instances() if instance.id == instance_id), None)

    def living(self) -> int:
        """How many instances have, or will have, a machine."""
        with self.lock:
            return sum(instance.container_expected for instance in self.instances())

    def disks(self) -> set[str]:
        """The podman images that some snapshot still holds, or that a machine still runs from."""
        held = {snapshot.disk for snapshot in self._snapshots()}
        return held | {instance.disk for instance in self.instances() if instance.container_expected}

    def volumes(self) -> set[str]:
        """The ids of all volumes and snapshots, and of the volumes of machines that are still there."""
        held = {each for backend in self.backends() for each in backend.volumes} | {
            each.id for each in self._snapshots()
        }
        return held.union(*(instance.volumes for instance in self.instances() if instance.container_expected))

    def _snapshots(self) -> Iterator[Any]:
        """Every snapshot, those in the Recycle Bin too."""
        for backend in self.backends():
            yield from backend.snapshots.values()
            yield from (each.resource for each in backend.bin.snapshots.values())

    def free_address(self) -> str | None:
        """An address of the lab's network that no machine has; the one unused longest, None when all are taken."""
        taken = {instance.private_ip for instance in self.instances() if instance.container_expected} | self.reserved
        size = self.subnet.num_addresses
        for step in range(1, size):
            number = (self._last + step) % size
            address = str(self.subnet[number])
            # The first address is the network, the second its gateway, the last broadcast.
            if 1 < number < size - 1 and address not in taken:
                self._last = number
                return address
        return None
