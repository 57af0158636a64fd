"""What must be done so that machines agree with instances: a pure function of both."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from orchestrator.lab.host.podman import Container

#: What init ends with when the machine asked for a reboot: reboot(2) in a PID namespace ends its init with SIGHUP
#: (128 + 1), power off and halt with SIGINT (reboot(2) manual page, "Behavior inside PID namespaces").
REBOOT_CODE = 129


class Do(StrEnum):
    """One thing to do about one instance."""

    LAUNCH = "launch"
    START = "start"
    REBOOT = "reboot"
    STOP = "stop"
    REMOVE = "remove"
    KILL = "kill"
    """Its host is lost."""
    SETTLE = "settle"
    """The machine is where it shall be: show it."""
    DIED = "died"
    """It shut down from within, or was killed."""
    VANISHED = "vanished"
    """Its container was removed by someone else."""


@dataclass(frozen=True)
class Wanted:
    """An instance as far as its machine is concerned."""

    instance_id: str
    state: str
    target_state: str
    made: bool = False
    """Whether its machine was made already."""
    rebooting: bool = False
    booting: bool = False
    """Whether its machine runs, and its time to boot is not over."""
    lost: bool = False
    """Whether the machine shall die of its own."""


@dataclass(frozen=True)
class MachineAction:
    """What to do, and about which instance."""

    do: Do
    instance_id: str


def steps(wanted: Iterable[Wanted], containers: Iterable[Container], busy: Collection[str] = ()) -> list[MachineAction]:
    """The next step of each instance that is not where it shall be. Those in `busy` are being worked on already."""
    by_instance = {container.instance_id: container for container in containers}
    found = []
    for one in wanted:
        container = by_instance.pop(one.instance_id, None)
        do = _next(one, container)
        if do is not None:
            found.append(MachineAction(do, one.instance_id))
    found += [MachineAction(Do.REMOVE, instance_id) for instance_id in by_instance if instance_id]
    return [step for step in found if step.instance_id not in busy]


def _next(one: Wanted, container: Container | None) -> Do | None:
    if one.target_state == "terminated":
        return Do.REMOVE if container is not None else _settle(one)
    if container is None and one.made:
        return Do.VANISHED
    if one.target_state == "stopped":
        return Do.STOP if container is not None and container.running else _settle(one)
    if container is None:
        return Do.LAUNCH
    if container.running:
        return _running(one)
    return Do.START if one.state == "pending" or container.exit_code == REBOOT_CODE else Do.DIED


def _running(one: Wanted) -> Do | None:
    if one.lost:
        return Do.KILL
    if one.booting:
        return None
    return Do.REBOOT if one.rebooting else _settle(one)


def _settle(one: Wanted) -> Do | None:
    return None if one.state == one.target_state else Do.SETTLE
