"""The balancer of a lab: one HAProxy for all its load balancers. It begins with the first listener."""

from __future__ import annotations

import logging
import os
import shutil
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from moto.elbv2.models import elbv2_backends

from orchestrator import process
from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.elb.configuration import Forward, backend_name, commands, rendered, slots

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.lab.elb.configuration import Servers
    from orchestrator.lab.elb.targets import TargetStates
    from orchestrator.lab.settings import Settings
    from orchestrator.lab.tables import Tables

LOG = logging.getLogger(__name__)
PROGRAM = "haproxy"


@dataclass
class Balancer:
    """Makes HAProxy agree with the listeners and targets of moto's tables, which whoever calls it holds."""

    settings: Settings
    tables: Tables
    states: TargetStates
    _forwards: tuple[Forward, ...] = ()
    _slots: dict[str, dict[int, tuple[str, int]]] = field(default_factory=dict)
    _pid: int = 0
    _ending: set[int] = field(default_factory=set)
    """Those that were told to end, and whose end nobody has seen."""

    def check(self) -> None:
        """Raise AwsFault when this machine has no HAProxy."""
        if shutil.which(PROGRAM) is None:
            what = "The lab forwards with HAProxy, which this machine lacks: apt-get install haproxy"
            raise AwsFault("UnsupportedOperation", what)

    def place(self, balancer: Any) -> None:
        """Give a load balancer an address on the lab's network. That is its DNS name, too: the lab has no DNS."""
        address = self.tables.free_address()
        if address is None:
            raise AwsFault("InvalidSubnet", "There are not enough free addresses in the lab's network")
        self.tables.reserved.add(address)
        process.run(["ip", "address", "add", f"{address}/32", "dev", self.settings.bridge])
        balancer.dns_name = address

    def free(self, address: str) -> None:
        """Give the address of a load balancer back."""
        if address in self.tables.reserved:
            process.run(["ip", "address", "delete", f"{address}/32", "dev", self.settings.bridge], check=False)
            self.tables.reserved.discard(address)

    def follow(self) -> None:
        """Tell HAProxy what has changed; start it anew when listeners have."""
        self._reap()
        forwards, groups = self._listeners()
        servers = {arn: self.states.serving(group) for arn, group in groups.items()}
        if forwards != self._forwards:
            self._start(forwards, servers)
            return
        for forward in forwards:
            name = backend_name(forward)
            before = self._slots.get(name, {})
            after = slots(before, servers[forward.target_group])
            told = list(commands(name, before, after))
            if told and self._tell(told):
                self._slots[name] = after

    def _listeners(self) -> tuple[tuple[Forward, ...], dict[str, Any]]:
        forwards, groups = [], {}
        for regions in list(elbv2_backends.values()):
            for backend in list(regions.values()):
                for balancer in backend.load_balancers.values():
                    for listener in balancer.listeners.values():
                        arn = forwarded(listener.default_actions[0].data)
                        forwards.append(Forward(balancer.dns_name, int(listener.port), listener.protocol, arn))
                        groups[arn] = backend.target_groups[arn]
        return tuple(forwards), groups

    def _start(self, forwards: tuple[Forward, ...], servers: Mapping[str, Servers]) -> None:
        """Start HAProxy, which takes over from the one that runs; the last listener that goes ends it."""
        folder = self.settings.folder
        control, file = folder / "balancer.sock", folder / "balancer.cfg"
        before, self._pid = self._pid, 0
        self._ending |= {before} - {0}
        self._forwards = forwards
        self._slots = {backend_name(each): slots({}, servers[each.target_group]) for each in forwards}
        if not forwards:
            if before:
                with suppress(ProcessLookupError):
                    os.kill(before, 15)
            self.settings.balancer_pid.unlink(missing_ok=True)
            return
        file.write_text(rendered(forwards, servers, control))
        takes_over = ["-x", str(control), "-sf", str(before)] if before else []
        argv = [str(shutil.which(PROGRAM)), "-db", "-f", str(file), *takes_over]
        self._pid = process.detached(argv, log=folder / "balancer.log")
        self.settings.balancer_pid.write_text(str(self._pid))

    def _reap(self) -> None:
        """See the end of those that have ended, which would stay as zombies."""
        for pid in list(self._ending):
            with suppress(ChildProcessError):
                if os.waitpid(pid, os.WNOHANG) == (0, 0):
                    continue
            self._ending.discard(pid)

    def _tell(self, told: list[str]) -> bool:
        """Send commands to HAProxy. False when it does not listen yet."""
        try:
            for command in told:
                with socket.socket(socket.AF_UNIX) as line:
                    line.settimeout(2)
                    line.connect(str(self.settings.folder / "balancer.sock"))
                    line.sendall(f"{command}\n".encode())
                    line.recv(4096)
        except OSError as error:
            LOG.info("the balancer does not listen: %s", error)
            return False
        return True


def forwarded(action: Mapping[str, Any]) -> str:
    """The ARN of the one target group that an action forwards to. Raises AwsFault for any other action."""
    weighted = (action.get("ForwardConfig") or {}).get("TargetGroups") or []
    arn = action.get("TargetGroupArn") or (weighted[0]["TargetGroupArn"] if len(weighted) == 1 else "")
    if str(action.get("Type")) != "forward" or not arn:
        what = "The lab's listeners forward to one target group, and do nothing else."
        raise AwsFault("UnsupportedOperation", what)
    return str(arn)
