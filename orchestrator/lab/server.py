"""The lab's background process: `python -m orchestrator.lab.server SETTINGS`."""

from __future__ import annotations

import faulthandler
import ipaddress
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from orchestrator.lab import parts, settings
from orchestrator.lab.accounts import furnishing
from orchestrator.lab.accounts.furnishing import furnish
from orchestrator.lab.api.dispatch import Calls, Dispatcher
from orchestrator.lab.api.fault_door import FaultDoor
from orchestrator.lab.api.faults import Faults
from orchestrator.lab.assembly import Assembly
from orchestrator.lab.door import CHANGES, FAULTS, HEALTH, SYSTEMS
from orchestrator.lab.ec2 import backend as ec2
from orchestrator.lab.ec2.answers import LabResponse
from orchestrator.lab.ec2.disks import Disks
from orchestrator.lab.ec2.machines import Machines
from orchestrator.lab.host.podman import Podman
from orchestrator.lab.host.volumes import VolumeFiles
from orchestrator.lab.imds.server import MetadataService, serve
from orchestrator.lab.ssm.agent_calls import AgentCalls
from orchestrator.lab.system_door import SystemDoor
from orchestrator.lab.systems import DEBIAN_12
from orchestrator.lab.tables import Tables
from orchestrator.lab.times import times_of
from orchestrator.registration import modules_of

if TYPE_CHECKING:
    from orchestrator.lab.settings import Settings

LOG = logging.getLogger(__name__)


class RequestHandler(MotoRequestHandler):
    """Requests are not logged one by one."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Write no line for a request: clients that wait ask all the time."""


def run(lab: Settings) -> None:
    """Serve a lab until SIGTERM: its AWS on the loopback interface, the metadata service in its network."""
    assembly = _assembled(lab)
    machines, faults, calls = assembly.machines, assembly.faults, Calls()
    assembly.health["calls"] = calls.counts
    guards = [guard for _, guard in sorted(assembly.guards, key=lambda each: each[0])]
    moto = DomainDispatcherApplication(create_backend_app)
    tables = assembly.tables
    application = Dispatcher(moto, tables.answering, assembly.handlers, assembly.doors, faults, calls, guards)
    imds = serve(
        MetadataService(tables, lab.agent, AgentCalls(faults, lab.agent_waits, late=tables.times.agent)), lab.bridge
    )
    api = make_server("127.0.0.1", lab.port, application, threaded=True, request_handler=RequestHandler)
    for server in (imds, api):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    for listen in assembly.listeners:
        listen(application)
    assembly.begin()
    signal.signal(signal.SIGTERM, lambda *_: machines.stop())
    LOG.info("lab %s answers at %s", lab.name, lab.endpoint)
    machines.follow(assembly.disks.sweep)


def _assembled(lab: Settings) -> Assembly:
    """The tables, the machines and what each part adds."""
    tables = Tables(ipaddress.IPv4Network(lab.subnet), times=times_of(lab))
    podman = Podman(lab.name, lab.network, lab.podman_options, lab.limits)
    files = VolumeFiles(lab.volumes)
    machines = Machines(tables, podman, files)
    disks = Disks(tables, podman, machines.held, lab.image_delay, files)
    systems = SystemDoor(tables)
    furnishing.install()
    ec2.install(tables, disks, machines.console)
    systems.publish(DEBIAN_12.name, lab.disk, lab.made, lab.serial)
    furnish(lab.organisation)
    assembly = Assembly(lab, tables, machines, disks, Faults(tables.recent_ids), tables.events)
    assembly.health["machines"] = tables.living
    assembly.health["systems"] = lambda: list(systems.published)
    assembly.doors |= {
        HEALTH: lambda *_: (200, {"lab": lab.name, **{name: tell() for name, tell in assembly.health.items()}}),
        FAULTS: FaultDoor(assembly.faults),
        SYSTEMS: systems,
        CHANGES: LabResponse.changes,
    }
    for module in modules_of(parts):
        module.install(assembly)
    return assembly


def main() -> None:
    """Read the settings that `up` wrote, and serve. SIGUSR1 lets it write into its log where each thread stands."""
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    lab = settings.load(Path(sys.argv[1]))
    if lab is None:
        sys.exit(f"{sys.argv[1]} cannot be read")
    run(lab)
    # Threads that still wait for a machine hold nothing worth waiting for.
    os._exit(0)


if __name__ == "__main__":
    main()
