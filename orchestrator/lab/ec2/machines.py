"""The machines of a lab: makes containers follow the instances of moto's tables."""

from __future__ import annotations

import logging
import math
import os
import selectors
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC
from typing import TYPE_CHECKING, Any

from orchestrator.errors import AmiError
from orchestrator.lab.ec2.reconcile import Do, MachineAction, Wanted, steps
from orchestrator.lab.host.emulation import emulated
from orchestrator.lab.host.machine import LabMachine, Place
from orchestrator.lab.host.podman import Addition, Launch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestrator.lab.host.podman import Container, Podman
    from orchestrator.lab.host.volumes import VolumeFiles
    from orchestrator.lab.tables import Tables

LOG = logging.getLogger(__name__)

#: Machines are looked at this often even when nothing was heard of them, seconds.
GLANCE = 30.0
#: Podman learns a moment later than we that a machine has ended, seconds.
SOON = 0.3
#: How many machines change state at once.
HANDS = 4


class Machines:
    """The machines of all instances: makes containers and instances agree, and lets handlers find them."""

    def __init__(self, tables: Tables, podman: Podman, files: VolumeFiles) -> None:
        self._tables = tables
        self._files = files
        self._podman = podman
        self._hands = ThreadPoolExecutor(HANDS, thread_name_prefix="machine")
        self._busy: set[str] = set()
        self._freed = threading.Condition()
        self._rebooted: dict[str, int] = {}
        self._booting: set[str] = set()
        self._stopping = False
        self.addition = Addition()
        """What a part of the lab gives to each machine that is launched from now on."""
        self._bell, self._ring = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._bell, selectors.EVENT_READ)
        self._watched: dict[int, int] = {}
        self._inits: dict[str, int] = {}
        """The init of each machine that runs, by instance, as far as it was seen and its end was not heard of."""
        tables.wake = self.wake

    # -- what handlers ask -------------------------------------------------------------------------------------

    def machines(self, place: Place) -> list[LabMachine]:
        """Every machine of an account in a region that is not terminated."""
        with self._tables.lock:
            return [
                self._machine(instance)
                for instance in self._tables.backend(place.region, place.account).all_instances()
                if instance.state != "terminated"
            ]

    def find(self, place: Place, instance_id: str) -> LabMachine | None:
        """The machine of an instance, or None when the account has no such instance in the region."""
        with self._tables.lock:
            instance = self._tables.instance(instance_id)
            return self._machine(instance) if instance is not None and _place(instance) == place else None

    def console(self, instance_id: str) -> bytes:
        """What the machine wrote to its console."""
        return self._podman.console(self._name(instance_id))

    def _machine(self, instance: Any) -> LabMachine:
        return LabMachine(
            instance_id=instance.id,
            container=self._name(instance.id),
            place=_place(instance),
            private_ip=instance.private_ip,
            hostname=instance.private_dns_name,
            state=instance.state,
            profiled=instance.profiled,
            launched=instance.launch_time.replace(tzinfo=UTC),
            podman=self._podman.argv,
            init=self._inits.get(instance.id, 0),
        )

    def _name(self, instance_id: str) -> str:
        return self._podman.machine_name(instance_id)

    # -- following the tables ----------------------------------------------------------------------------------

    def wake(self) -> None:
        """Let the loop compare instances with containers at once, and not at its next turn."""
        try:
            os.write(self._ring, b"!")
        except BlockingIOError:
            LOG.debug("the bell rings already")

    def stop(self) -> None:
        """End `follow`; steps that have begun are finished first."""
        self._stopping = True
        self.wake()
        self._hands.shutdown(cancel_futures=True)

    def follow(self, after: Callable[[], None]) -> None:
        """Make machines agree with instances until `stop` is called; `after` is called after each look at them.

        Nothing that goes wrong ends it: the lab would end with it, and every AMI that it holds.
        """
        while not self._stopping:
            pause = 1.0
            try:
                pause = self._look()
                after()
            except AmiError as error:
                LOG.warning("the machines could not be looked at: %s", error)
            except Exception:
                LOG.exception("the machines could not be looked at")
            self._rest(pause)

    def _look(self) -> float:
        """One pass; returns after how many seconds to look again at the latest."""
        with self._freed:
            # What is listed below may be older than the end of a step that still runs now: look again after it.
            busy = set(self._busy)
        with self._tables.lock:
            living = [instance for instance in self._tables.instances() if instance.container_expected]
            wanted = [self._wanted(instance) for instance in living]
            deaths: list[float] = [instance.dies for instance in living if instance.dies and not instance.lost]
        containers = self._podman.containers() if wanted or self._watched else []
        unseen = [container for container in containers if container.running and not self._watch(container)]
        with self._freed:
            found = steps(wanted, containers, busy | self._busy)
            settled = {step.instance_id for step in found if step.do is Do.SETTLE}
            todo = [step for step in found if step.do is not Do.SETTLE]
            self._busy.update(step.instance_id for step in todo)
        for step in todo:
            self._hands.submit(self._take, step)
        for one in wanted:
            if one.instance_id in settled:
                self._settle(one.instance_id, one.target_state)
        until_death = max(0.0, min(deaths, default=math.inf) - time.monotonic())
        return min(SOON if unseen else GLANCE, until_death)

    def _wanted(self, instance: Any) -> Wanted:
        rebooting = instance.reboots > self._rebooted.get(instance.id, 0)
        return Wanted(
            instance.id,
            instance.state,
            instance.target_state,
            made=instance.made,
            rebooting=rebooting,
            booting=instance.id in self._booting,
            lost=instance.lost,
        )

    def _watch(self, container: Container) -> bool:
        """Hear of the end of a machine's init. False when it has ended already and podman does not know yet."""
        pid = container.pid
        if pid in self._watched:
            return True
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            return False
        self._watched[pid] = handle
        self._selector.register(handle, selectors.EVENT_READ, container)
        self._inits[container.instance_id] = pid
        return True

    def _rest(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            if key.fd == self._bell:
                os.read(self._bell, 4096)
            else:
                self._selector.unregister(key.fd)
                os.close(self._watched.pop(key.data.pid))
                if self._inits.get(key.data.instance_id) == key.data.pid:
                    del self._inits[key.data.instance_id]

    # -- steps -------------------------------------------------------------------------------------------------

    def _take(self, step: MachineAction) -> None:
        began = time.monotonic()
        try:
            self._act(step)
        except (AmiError, OSError) as error:
            LOG.exception("%s %s", step.do, step.instance_id)
            self._settle(step.instance_id, "terminated", f"Server.InternalError: {error}")
        finally:
            LOG.info("%s %s: %.1f s", step.do, step.instance_id, time.monotonic() - began)
            self._free(step.instance_id)

    def _act(self, step: MachineAction) -> None:
        name = self._name(step.instance_id)
        match step.do:
            case Do.LAUNCH:
                self._launch(step.instance_id)
                self._boot(step.instance_id)
            case Do.START:
                self._podman.start(name)
                self._boot(step.instance_id)
            case Do.REBOOT:
                self._reboot(step.instance_id)
            case Do.STOP:
                self._stop(step.instance_id)
                self._settle(step.instance_id, "stopped")
            case Do.KILL:
                self._podman.kill(name)
            case Do.REMOVE:
                self._podman.remove(name)
                self._settle(step.instance_id, "terminated")
            case Do.DIED:
                self._died(step.instance_id)
            case Do.VANISHED:
                self._settle(step.instance_id, "terminated", "Server.InternalError: the machine is gone")

    def _launch(self, instance_id: str) -> None:
        with self._tables.lock:
            instance = self._tables.instance(instance_id)
            if instance is None:
                return
            refused = instance.refused
            launch = Launch(
                self._name(instance_id), instance_id, instance.region_name, instance.private_ip, instance.disk
            )
            volumes = [(device, instance.ec2_backend.volumes[each]) for each, device in instance.volumes.items()]
        if refused:
            self._settle(instance_id, "terminated", refused)
            return
        devices = tuple(
            (self._files.attach(volume.id, volume.size, volume.snapshot_id or ""), device) for device, volume in volumes
        )
        self._podman.launch(replace(launch, devices=devices, addition=self.addition))
        instance.made = True

    def _boot(self, instance_id: str) -> None:
        """Show a machine that runs as running, once its time to boot is over."""
        seconds = self._tables.times.boot
        if not seconds:
            self._settle(instance_id, "running")
            return
        self._booting.add(instance_id)
        timer = threading.Timer(seconds, self._booted, (instance_id,))
        timer.daemon = True
        timer.start()

    def _booted(self, instance_id: str) -> None:
        self._booting.discard(instance_id)
        self.wake()

    def _reboot(self, instance_id: str) -> None:
        with self._tables.lock:
            instance = self._tables.instance(instance_id)
            asked = instance.reboots if instance is not None else 0
        self._stop(instance_id)
        self._podman.start(self._name(instance_id))
        self._rebooted[instance_id] = asked

    def _stop(self, instance_id: str) -> None:
        with self._tables.lock:
            instance = self._tables.instance(instance_id)
            in_qemu = instance is not None and emulated(instance.architecture)
        self._podman.stop(self._name(instance_id), emulated=in_qemu)

    def _died(self, instance_id: str) -> None:
        """A machine that shut itself down, or whose host is lost, is stopped or terminated, as its launch asked."""
        with self._tables.lock:
            instance = self._tables.instance(instance_id)
            if instance is None:
                return
            reason = "Client.InstanceInitiatedShutdown: Instance initiated shutdown"
            if instance.lost:
                reason = "Server.InternalError: Internal error on the host of the instance"
                instance.fail_after(None)
            if instance.instance_initiated_shutdown_behavior == "terminate":
                instance.terminate()
            else:
                instance.stop()
            _explain(instance, reason)

    def _settle(self, instance_id: str, state: str, reason: str = "") -> None:
        """Show that a machine has reached a state, unless it shall meanwhile reach another."""
        with self._tables.lock:
            instance = self._tables.instance(instance_id)
            if instance is None:
                return
            if reason:
                instance.terminate()
                _explain(instance, reason)
            if state == instance.target_state:
                instance.report(state)
            if state == "terminated":
                instance.container_expected = False
        if reason:
            self._podman.remove(self._name(instance_id))

    def _free(self, instance_id: str) -> None:
        with self._freed:
            self._busy.discard(instance_id)
            self._freed.notify_all()
        self.wake()

    @contextmanager
    def held(self, instance_id: str) -> Iterator[None]:
        """Keep every step away from a machine meanwhile."""
        with self._freed:
            self._freed.wait_for(lambda: instance_id not in self._busy)
            self._busy.add(instance_id)
        try:
            yield
        finally:
            self._free(instance_id)


def _place(instance: Any) -> Place:
    return Place(instance.owner_id, instance.region_name)


def _explain(instance: Any, reason: str) -> None:
    instance.state_reason.code = reason.partition(":")[0]
    instance.state_reason.message = reason
