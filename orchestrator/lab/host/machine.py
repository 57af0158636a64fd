"""What the lab's handlers know of a running machine, and how they reach it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

#: What a program in a machine finds in its environment, as with `podman exec`.
_ENVIRONMENT = ("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "container=podman")


@dataclass(frozen=True)
class Place:
    """Where a call is answered: an account's tables of a region."""

    account: str
    region: str


@dataclass(frozen=True)
class LabMachine:
    """One instance and the container that is its machine, as they were when they were asked for."""

    instance_id: str
    container: str
    """The container's name."""
    place: Place
    private_ip: str
    """Empty until the machine has started for the first time."""
    hostname: str
    """The private DNS name, `ip-10-88-0-5.ec2.internal`."""
    state: str
    """The instance state as EC2 names it: pending, running, stopping, stopped, shutting-down, terminated."""
    profiled: bool
    """Whether an instance profile was given at launch."""
    launched: datetime
    """When the machine was last started, UTC."""
    podman: tuple[str, ...]
    """How podman is called here: the program and its global options."""
    init: int = 0
    """The process id of the machine's init on this host; 0 while nobody knows it."""

    @property
    def region(self) -> str:
        """Where it runs."""
        return self.place.region

    def exec_argv(self, argv: Sequence[str]) -> list[str]:
        """The whole argv that runs `argv` as root in the machine, standard input open."""
        return [*self.podman, "exec", "--interactive", self.container, *argv]

    def quick_argv(self, argv: Sequence[str]) -> list[str]:
        """The same by the machine's namespaces when they are known: podman takes 0.1 s of a core, these a fiftieth.

        The program itself has no number in the machine, only what it starts has one. An nsenter that forks would stop
        together with what it started when systemd, as it shuts down, stops all processes, and nobody would let it go
        on: then the machine's last process is never reaped, and the machine never ends.
        """
        if not self.init:
            return self.exec_argv(argv)
        return ["nsenter", f"--target={self.init}", "--all", "--no-fork", "env", "-i", *_ENVIRONMENT, *argv]


class MachineAccess(Protocol):
    """Where handlers find machines."""

    def machines(self, place: Place) -> list[LabMachine]:
        """Every machine of an account in a region that is not terminated."""

    def find(self, place: Place, instance_id: str) -> LabMachine | None:
        """The machine of an instance, or None when the account has no such instance in the region."""
