"""The lab's own network: one of podman's, and a bridge that stays while no machine is on it.

Podman makes the bridge with the first container and removes it with the last. The metadata service listens on it all
the time, so a pair of virtual interfaces is left plugged into it: the anchor.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from orchestrator import process
from orchestrator.errors import LackError
from orchestrator.lab.host.podman import LABEL, Podman

#: The instance metadata service's address (EC2 user guide, "Access instance metadata").
METADATA_ADDRESS = "169.254.169.254"

#: Where a lab with real agents answers for AWS's endpoints, and as name server, which has this address on AWS (VPC
#: user guide, "Amazon DNS").
ENDPOINT_ADDRESS = "169.254.169.253"

#: Ways to run a container, the plainest first. crun refuses hybrid cgroups; without CAP_SYS_RESOURCE no runtime can
#: raise limits to podman's defaults.
RUNTIMES: tuple[tuple[str, ...], ...] = ((), ("--runtime=runc",), ("--runtime=crun",))
LIMITS: tuple[tuple[str, ...], ...] = ((), ("--ulimit=nofile=4096:4096", "--ulimit=nproc=4096:4096"))


@dataclass(frozen=True)
class Network:
    """A network of podman's."""

    name: str
    bridge: str
    subnet: str


def create(lab: str) -> Network:
    """Make the lab's network on a range that podman finds free."""
    name = f"ami-lab-{lab}"
    process.run(["podman", "network", "create", "--disable-dns", f"--label={LABEL}={lab}", name])
    (found,) = json.loads(process.run(["podman", "network", "inspect", name]).out)
    return Network(name, found["network_interface"], found["subnets"][0]["subnet"])


def probe(lab: str, network: Network, image: str) -> Podman:
    """Find a way to run containers here, by running one; the first leaves the bridge anchored and furnished.

    Raises LackError with what podman said when none works.
    """
    said = ""
    for limits in LIMITS:
        for runtime in RUNTIMES:
            podman = Podman(lab, network.name, runtime, limits)
            tried = podman.run(
                "run", "--detach", f"--name=ami-lab-{lab}-probe", f"--label={LABEL}={lab}", "--pull=never",
                f"--network={network.name}", *limits, image, "sleep", "60", check=False,
            )  # fmt: skip
            if tried.code == 0:
                _anchor(lab, network.bridge)
            Podman(lab, network.name).remove(f"ami-lab-{lab}-probe")
            if tried.code == 0:
                return podman
            said = said or tried.err.strip()
    raise LackError(f"podman cannot run a container here: {said}", hint="podman info; apt-get install runc netavark")


def add_endpoints(bridge: str) -> None:
    """Have the address of the endpoints on a lab's bridge. It goes with the bridge."""
    _ip("address", "add", f"{ENDPOINT_ADDRESS}/32", "dev", bridge)


def _anchor(lab: str, bridge: str) -> None:
    inner, outer = anchor_names(lab)
    _ip("link", "add", inner, "type", "veth", "peer", "name", outer)
    _ip("link", "set", inner, "master", bridge, "up")
    _ip("link", "set", outer, "up")
    _ip("link", "set", "dev", bridge, "address", bridge_address(lab))
    _ip("address", "add", f"{METADATA_ADDRESS}/32", "dev", bridge)


def anchor_names(lab: str) -> tuple[str, str]:
    """The names of the pair; an interface's name has at most 15 characters."""
    mark = hashlib.sha256(lab.encode()).hexdigest()[:8]
    return f"amia{mark}", f"amib{mark}"


def bridge_address(lab: str) -> str:
    """The Ethernet address of the lab's bridge, a locally administered one.

    A bridge whose address nobody has set takes the lowest address of its ports. So it would change whenever a machine
    comes or goes, and the others would reach nothing until their ARP caches notice, which takes up to a minute.
    """
    mark = hashlib.sha256(lab.encode()).hexdigest()[:10]
    return ":".join(("02", *(mark[at : at + 2] for at in range(0, 10, 2))))


def remove(lab: str) -> bool:
    """Remove the lab's network, its bridge and the anchor, whatever there is of them. Returns whether there was any."""
    inner, _ = anchor_names(lab)
    bridge = _bridge_of(inner)
    if bridge is not None:
        _ip("link", "delete", inner)
    names = process.run(
        ["podman", "network", "ls", f"--filter=label={LABEL}={lab}", "--format={{.Name}}"]
    ).out.split()  # fmt: skip
    for name in names:
        process.run(["podman", "network", "rm", "--force", "--time=0", name])
    if bridge:
        process.run(["ip", "link", "delete", bridge], check=False)
    return bool(names) or bridge is not None


def _bridge_of(interface: str) -> str | None:
    """The bridge that an interface is plugged into, empty when into none; None when there is no such interface."""
    shown = process.run(["ip", "-json", "link", "show", "dev", interface], check=False)
    if shown.code != 0:
        return None
    (link,) = json.loads(shown.out)
    return str(link.get("master", ""))


def _ip(*arguments: str) -> None:
    process.run(["ip", *arguments])
