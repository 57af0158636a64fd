"""What an image's disk holds of the machine that it was built on, seen from outside before anything boots from it."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator import process

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.lab.settings import Settings

#: What a build may leave although it fits what is searched for: paths, each with its reason. Nothing so far.
ALLOWED: dict[str, str] = {}

#: A public key as OpenSSH writes it.
PUBLIC_KEY = re.compile(rb"(?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[a-z0-9@.-]{3,40} AAAA[A-Za-z0-9+/]{40}")
#: What a machine makes for itself alone, as patterns of paths. Empty files do not count, nor links to the machine id.
OWN = re.compile(
    r"/etc/machine-id|/etc/ssh/ssh_host_.*|/etc/ssl/private/ssl-cert-snakeoil\.key|/var/lib/dbus/machine-id"
    r"|/var/lib/systemd/(random-seed|credential\.secret)|/var/lib/cloud/instances?/.*|/var/lib/dhcp/.*"
)
#: There until a machine was cleaned to the end (roles/seal).
MARK = "/var/lib/image-not-sealed"
#: Where files are logs: an image has not booted yet, so everything in them was written by a build.
LOGS = "/var/log/"


@dataclass(frozen=True)
class Builder:
    """What tells a machine that an image was built on from every other."""

    instance_id: str
    host_name: str
    address: str
    run: str

    def traces(self, text: bytes) -> list[str]:
        """What a text tells of this machine: names of its fields, and whether there is anybody's public key."""
        fields = {
            "instance id": self.instance_id,
            "host name": self.host_name.partition(".")[0],
            "address": self.address,
            "run": self.run,
        }
        found = [name for name, word in fields.items() if word and _stands_in(word.encode(), text)]
        # EC2 forgets the key pair of a build, so that no other public key may be there either.
        return [*found, "public key"] if b" AAAA" in text and PUBLIC_KEY.search(text) else found


def dirt(lab: Settings, ec2: Any, ami_id: str) -> list[str]:
    """One line for each thing that the build of an AMI left on its disk; none when it is clean."""
    (ami,) = ec2.describe_images(ImageIds=[ami_id])["Images"]
    return list(findings(written(disk(lab, ec2, ami_id)), builder(ec2, ami)))


def disk(lab: Settings, ec2: Any, ami_id: str) -> str:
    """The name that podman has for the disk of an AMI."""
    (ami,) = ec2.describe_images(ImageIds=[ami_id])["Images"]
    return f"localhost/ami-lab-{lab.name}/{ami['BlockDeviceMappings'][0]['Ebs']['SnapshotId']}:latest"


def builder(ec2: Any, ami: Any) -> Builder:
    """The machine that an AMI was made from. EC2 still tells of it after it was terminated."""
    found = ec2.describe_instances(InstanceIds=[ami["SourceInstanceId"]])
    machine = found["Reservations"][0]["Instances"][0]
    tags = {tag["Key"]: tag["Value"] for tag in ami.get("Tags", [])}
    run = tags.get("ami:run", "")
    return Builder(
        instance_id=machine["InstanceId"],
        host_name=machine["PrivateDnsName"],
        address=machine["PrivateIpAddress"],
        # A build by hand has no id of its own, but a word of which files are full.
        run="" if run == "manual" else run,
    )


def findings(files: Iterator[tuple[str, bytes]], machine: Builder) -> Iterator[str]:
    """What is wrong with files, given as paths and contents."""
    for path, content in files:
        if path in ALLOWED:
            continue
        if path == MARK:
            yield f"{path}: {content.decode(errors='replace')}"
        if content not in (b"", b"/etc/machine-id") and OWN.fullmatch(path):
            yield f"{path}: made by the builder for itself"
        if path.startswith(LOGS) and content:
            yield f"{path}: a log begins before the first boot: {content[:80]!r}"
        for name in machine.traces(path.encode() + b"\n" + content):
            yield f"{path}: {name} of the builder"


def _stands_in(word: bytes, text: bytes) -> bool:
    # Searching for a plain string first takes a tenth of the time.
    return word in text and re.search(rb"(?<![\w.])" + re.escape(word) + rb"(?!\w)", text) is not None


def written(name: str) -> Iterator[tuple[str, bytes]]:
    """The files that a disk does not share with the one it was made from, and symbolic links by what they point to.

    They are the disk's own layer of podman's overlay. `podman image diff` leaves out /etc/hosts and /etc/hostname.
    """
    found = process.run(["podman", "image", "inspect", "--format={{.GraphDriver.Data.UpperDir}}", name])
    layer = Path(found.out.strip())
    for path in sorted(layer.rglob("*")):
        yield f"/{path.relative_to(layer)}", _content(path)


def _content(path: Path) -> bytes:
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return os.fsencode(path.readlink())
    return path.read_bytes() if stat.S_ISREG(mode) else b""
