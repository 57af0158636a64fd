"""Podman as the lab uses it: labelled containers that are machines, images that are disks, one network per lab."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator import process
from orchestrator.polling import attempts

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Every container, image and network of a lab carries this label with the lab's name.
LABEL = "ami.lab"
INSTANCE = "ami.instance"
REGION = "ami.region"

#: What root of a virtual machine can do and root of a container cannot, as far as it stays within the container's
#: own namespaces: set the host name, mount, sandbox services, filter packets, reboot.
CAPABILITIES = "SYS_ADMIN,SYS_BOOT,SYS_PTRACE,NET_ADMIN,NET_RAW,AUDIT_WRITE,MKNOD"

#: How long a machine may take to shut down before it is killed, seconds; and one that QEMU runs.
_GRACE, _EMULATED_GRACE = 60, 240

#: Where the host says whom it asks for names.
RESOLVERS = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))

#: How often a machine is tried to be frozen.
_FREEZES = 5
#: How often images are listed again.
_LISTINGS = 20

#: What happens before init. Podman mounts a file of its own over /etc/hostname, which would hide the name that
#: cloud-init wrote to the disk. The kernel's boot id is this host's, and never changes. Each boot of a machine gets one
#: of its own, as in systemd-nspawn: Ansible's module `reboot` and the journal tell boots apart by it.
_BEFORE_INIT = """\
umount /etc/hostname
id=/proc/sys/kernel/random/boot_id
cat /proc/sys/kernel/random/uuid >/run/boot_id && chmod 444 /run/boot_id && mount --bind /run/boot_id $id
rm -f /run/boot_id
exec /sbin/init
"""


@dataclass(frozen=True)
class Container:
    """A container as `podman ps` tells it."""

    name: str
    instance_id: str
    running: bool
    exit_code: int
    pid: int


@dataclass(frozen=True)
class Addition:
    """What a lab adds to each of its machines, which leaves no trace on their disks."""

    name_server: str = ""
    """Asked before those of the host."""
    before_init: str = ""
    """Lines of shell that run before init does, when /run is there."""

    @property
    def entrypoint(self) -> tuple[str, ...]:
        """What a machine's container runs."""
        return ("/bin/sh", "-c", self.before_init + _BEFORE_INIT)


@dataclass(frozen=True)
class Launch:
    """What a new machine needs to know of itself."""

    name: str
    instance_id: str
    region: str
    address: str
    disk: str
    #: (Device of this host, device of the machine) of each volume besides the root.
    devices: tuple[tuple[str, str], ...] = ()
    addition: Addition = Addition()


@dataclass(frozen=True)
class Podman:
    """Podman as called on this host: global options, and options of `podman run` that this kernel needs."""

    lab: str
    network: str
    options: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()

    @property
    def argv(self) -> tuple[str, ...]:
        """The program and its global options."""
        return ("podman", *self.options)

    def run(self, *arguments: str, timeout: float = 120, check: bool = True) -> process.Completed:
        """Run one podman command to its end."""
        return process.run([*self.argv, *arguments], timeout=timeout, check=check)

    def machine_name(self, instance_id: str) -> str:
        """The name of an instance's container."""
        return f"ami-lab-{self.lab}-{instance_id}"

    def disk_name(self, snapshot_id: str) -> str:
        """The name of the image that holds a snapshot."""
        return f"localhost/ami-lab-{self.lab}/{snapshot_id}:latest"

    def launch(self, machine: Launch) -> None:
        """Make a container that boots systemd from a disk, and start it."""
        self.run(
            "run",
            "--detach",
            "--tty",
            f"--name={machine.name}",
            f"--label={LABEL}={self.lab}",
            f"--label={INSTANCE}={machine.instance_id}",
            f"--label={REGION}={machine.region}",
            f"--network={self.network}",
            f"--ip={machine.address}",
            "--hostname=localhost",
            "--no-hosts",
            "--pull=never",
            "--systemd=always",
            f"--cap-add={CAPABILITIES}",
            *self.limits,
            *(f"--dns={server}" for server in name_servers(machine.addition)),
            *(f"--device={here}:{there}:rwm" for here, there in machine.devices),
            f"--entrypoint={json.dumps(machine.addition.entrypoint)}",
            machine.disk,
        )

    def start(self, name: str) -> None:
        """Start a stopped machine from its disk."""
        self.run("start", name)

    def stop(self, name: str, *, emulated: bool) -> None:
        """Ask init to shut down; kill it when it does not end. EC2 waits for minutes before it forces a stop.

        An emulated init gets no signal: QEMU numbers real-time signals in its own way, by its version. With 7.2,
        podman's SIGRTMIN+3 (halt) arrives as SIGRTMIN+1 (rescue mode). So init is asked from within the machine.
        """
        if emulated:
            with suppress(process.ProgramFailed):
                self.run("exec", name, "systemctl", "--no-block", "halt", check=False)
                self.run("wait", name, timeout=_EMULATED_GRACE)
        self.run("stop", "--ignore", f"--time={0 if emulated else _GRACE}", name)

    def kill(self, name: str) -> None:
        """End a machine as a power cut does; one that has ended already is no error."""
        self.run("kill", "--signal=KILL", name, check=False)

    def remove(self, *names: str) -> None:
        """Kill and remove containers at once, with their disks; those that are gone already are no error."""
        if names:
            self.run("rm", "--force", "--ignore", "--time=0", "--volumes", *names)

    def commit(self, name: str, disk: str) -> None:
        """Save a machine's disk as an image; a running machine is frozen meanwhile.

        A machine that starts processes all the time, as one that boots does, cannot always be frozen (runc: "unable to
        freeze"): that is tried again.
        """
        for attempt in attempts([1.0] * (_FREEZES - 1)):
            try:
                self.run("commit", "--quiet", "--pause", f"--change=LABEL {LABEL}={self.lab}", name, disk, timeout=900)
            except process.ProgramFailed as failed:
                if attempt.last or "freeze" not in failed.completed.err:
                    raise
            else:
                return

    def console(self, name: str) -> bytes:
        """What the machine wrote to its console since it was made."""
        return self.run("logs", name, check=False).stdout

    def containers(self) -> list[Container]:
        """Every container of the lab."""
        listed = self._json("ps", "--all", f"--filter=label={LABEL}={self.lab}", "--format=json")
        return [_container(entry) for entry in listed]

    def images(self) -> list[str]:
        """Every image of the lab: its id, or its name in the lab when it is one that labs share."""
        listed = _image_lines("--quiet", f"--filter=label={LABEL}={self.lab}")
        own = sorted({image.removeprefix("sha256:") for image in listed})
        names = image_names(f"localhost/ami-lab-{self.lab}/")
        return own + sorted(name for name, image in names.items() if image not in own)

    def remove_images(self, images: Sequence[str], *, force: bool = False) -> list[str]:
        """Remove images; returns those that are still in use by a container, or by an image built on them."""
        return [image for image in images if self._remove_image(image, force=force) not in (0, 1)]

    def _remove_image(self, image: str, *, force: bool) -> int:
        return self.run("rmi", *(["--force"] if force else []), image, check=False).code

    def _json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments).out or "[]")


def image_names(prefix: str) -> dict[str, str]:
    """The ids of images by those of their names that begin with `prefix`.

    It does not ask podman's filter `reference`, which finds images, and then lists each with all the names that it has.
    """
    names = dict(line.rsplit(" ", 1) for line in _image_lines("--format={{.Repository}}:{{.Tag}} {{.Id}}"))
    return {name: image for name, image in names.items() if name.startswith(prefix)}


def _image_lines(*arguments: str) -> list[str]:
    """What `podman images` lists. It fails when one of them goes meanwhile, whosever it is ("image not known"): then it
    is asked again.
    """
    for attempt in attempts([0.2] * _LISTINGS):
        try:
            return process.run(["podman", "images", "--no-trunc", *arguments]).out.splitlines()
        except process.ProgramFailed as failed:
            if attempt.last or "image not known" not in failed.completed.err:
                raise
    raise AssertionError("the last attempt returns or raises")


def name_servers(addition: Addition, files: Sequence[Path] = RESOLVERS) -> list[str]:
    """The name servers that a machine is given; none when podman chooses, which gives it the host's.

    One of the host's loopback interface is none of a machine's; systemd-resolved writes down whom it asks itself.
    """
    if not addition.name_server:
        return []
    for file in files:
        with suppress(OSError):
            found = [line.split()[1] for line in file.read_text().splitlines() if re.match(r"nameserver\s+\S", line)]
            outside = [server for server in found if not server.startswith(("127.", "::1"))]
            if outside:
                return [addition.name_server, *outside[:2]]
    return [addition.name_server]


def _container(entry: dict[str, Any]) -> Container:
    return Container(
        name=entry["Names"][0],
        instance_id=entry["Labels"].get(INSTANCE, ""),
        running=entry["State"] in ("running", "paused"),
        exit_code=int(entry["ExitCode"]),
        pid=int(entry["Pid"]),
    )
