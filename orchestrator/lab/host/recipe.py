"""How the root filesystems of the lab's Debian images are made, and where they are kept.

Each holds what Debian's own cloud image for EC2 holds, as far as a container can use it, and nothing of the lab but
what stands in for the hardware: cloud-init cannot see in a container that it runs on EC2.
"""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator import process
from orchestrator.files.file_lock import locked
from orchestrator.files.held_folder import held_folder
from orchestrator.lab.settings import CACHE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestrator.lab.systems import System

#: Besides what is essential: what Debian's cloud image brings.
PACKAGES = (
    "apt-utils,bash-completion,bzip2,ca-certificates,cloud-guest-utils,cloud-init,cron,curl,dbus,file,gpg,init,"
    "iproute2,iputils-ping,kmod,less,libnss-myhostname,libpam-systemd,locales,logrotate,lsb-release,man-db,netbase,"
    "openssh-client,openssh-server,procps,psmisc,python3,sudo,systemd,systemd-sysv,tzdata,udev,unattended-upgrades,"
    "vim-tiny,wget,xz-utils"
)

CLOUD_CONFIG = """\
# As on Debian's own image for EC2.
datasource_list: [Ec2]
manage_etc_hosts: true
system_info:
  default_user:
    name: admin
"""

CONTAINER_CONFIG = """\
# This machine is a container: its network is made from outside, and no firmware says that it runs on EC2.
datasource_pkg_list: [ec2_container, cloudinit.sources]
datasource:
  Ec2:
    metadata_urls: ["http://169.254.169.254"]
    timeout: 10
    max_wait: 120
network:
  config: disabled
# There is no disk to install GRUB on, and to say so takes half a second of each first boot.
grub_dpkg:
  enabled: false
"""

DATA_SOURCE = '''\
"""cloud-init's Ec2 data source for a container, which has no firmware to tell EC2 by.

Knowing that it is on EC2, cloud-init asks for a session token first (IMDSv2).
"""

from cloudinit import sources
from cloudinit.sources import DataSourceEc2 as ec2


class DataSourceEc2(ec2.DataSourceEc2):
    """Runs when the network is up; it need not be asked for by DHCP."""

    def _get_cloud_name(self):
        return ec2.CloudNames.AWS


DATA_SOURCES = [(DataSourceEc2, (sources.DEP_FILESYSTEM, sources.DEP_NETWORK))]


def get_datasource_list(depends):
    return sources.list_from_depends(depends, DATA_SOURCES)
'''

FILES = {
    "etc/cloud/cloud.cfg.d/01_debian_cloud.cfg": CLOUD_CONFIG,
    "etc/cloud/cloud.cfg.d/10_container.cfg": CONTAINER_CONFIG,
    "usr/lib/python3/dist-packages/ec2_container/__init__.py": "",
    "usr/lib/python3/dist-packages/ec2_container/DataSourceEc2.py": DATA_SOURCE,
    "etc/default/locale": "LANG=C.UTF-8\n",
    "etc/hostname": "localhost\n",
    "etc/hosts": "127.0.0.1\tlocalhost\n::1\t\tlocalhost ip6-localhost ip6-loopback\n",
    "etc/resolv.conf": "",
}

#: What cloud-init of Debian 13 and later needs besides: it waits for network interfaces that are plugged in, and fails
#: where no udev runs that could tell.
FILES_SINCE_13 = {
    "etc/cloud/cloud.cfg.d/11_container_hotplug.cfg": """\
# No udev runs in a container, and no interface is plugged into it.
updates:
  network:
    when: [boot-new-instance]
""",
}

#: Run in the finished root: trust what this host trusts, and leave nothing that must differ between machines.
FINISH = (
    "update-ca-certificates",
    "rm -f /etc/ssh/ssh_host_*",
    "truncate -s 0 /etc/machine-id && rm -f /var/lib/dbus/machine-id",
    "apt-get clean && rm -rf /var/lib/apt/lists/*",
)

#: Certificates that this host's administrator added, for a network whose proxy signs its own.
TRUSTED = Path("/usr/local/share/ca-certificates")

#: What apt was told about this network.
APT_KEYS = ("Acquire::http::Proxy", "Acquire::https::Proxy", "Acquire::Check-Valid-Until", "Acquire::Check-Date")


@dataclass(frozen=True)
class Root:
    """A root filesystem: its archive, and what it was made of and when."""

    archive: Path
    digest: str

    @property
    def made(self) -> str:
        """The day it was made, YYYYMMDD, UTC."""
        return time.strftime("%Y%m%d", time.gmtime(self.archive.stat().st_mtime))

    @property
    def serial(self) -> int:
        """A number of at most four digits that tells recipes apart."""
        return int(self.digest[:8], 16) % 10000


def files(system: System) -> dict[str, bytes]:
    """Every file that is put into a system's root, by path."""
    own = FILES | (FILES_SINCE_13 if system.version >= 13 else {})  # noqa: PLR2004 - a release of Debian
    found = {path: content.encode() for path, content in own.items()}
    for certificate in sorted(TRUSTED.glob("**/*.crt")):
        found[f"{TRUSTED.relative_to('/')}/{certificate.name}"] = certificate.read_bytes()
    network = apt_settings(process.run(["apt-config", "dump"]).out)
    if network:
        found["etc/apt/apt.conf.d/90network"] = network.encode()
    return found


def apt_settings(dump: str) -> str:
    """The lines of `apt-config dump` that say how this network reaches the package mirrors."""
    lines = [line for line in dump.splitlines() if line.partition(" ")[0] in APT_KEYS]
    return "".join(f"{line}\n" for line in lines)


def digest(system: System, content: dict[str, bytes]) -> str:
    """The hash of a system's recipe: packages, files, and what is run at the end."""
    parts = [
        system.root,
        PACKAGES,
        FINISH,
        sorted((path, hashlib.sha256(text).hexdigest()) for path, text in content.items()),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def root(system: System, tell: Callable[[str], None]) -> Root:
    """The root filesystem of a system, made when the cache does not have it.

    That takes a minute, and some five where QEMU has to run its programs. Raises LackError when mmdebstrap is missing,
    ProgramFailed when no mirror can be reached.
    """
    content = files(system)
    found = digest(system, content)
    archive = CACHE / f"{system.root}-{found[:16]}.tar"
    CACHE.mkdir(parents=True, exist_ok=True)
    with only_one(archive):
        if not archive.exists():
            _make(system, archive, content, tell)
    return Root(archive, found)


def _make(system: System, archive: Path, content: dict[str, bytes], tell: Callable[[str], None]) -> None:
    unfinished = archive.with_suffix(".new")
    with held_folder() as private:
        private.chmod(0o755)
        folder = private / "files"
        for path, text in content.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text)
        folder.chmod(0o755)
        _bootstrap(argv(system, unfinished, str(folder)), lambda what: tell(f"root of {system.name}: {what}"))
    unfinished.replace(archive)


def argv(system: System, target: Path, folder: str) -> list[str]:
    """The call of mmdebstrap that writes a root to `target`, with the files of `folder` in it."""
    return [
        "mmdebstrap",
        "--variant=minbase",
        "--format=tar",
        f"--architectures={system.port}",
        f"--include={PACKAGES}",
        f"--customize-hook=sync-in {folder} /",
        *(f"--customize-hook=chroot \"$1\" sh -c '{command}'" for command in FINISH),
        system.suite,
        str(target),
    ]


def _bootstrap(call: list[str], tell: Callable[[str], None]) -> None:
    """Run mmdebstrap and pass on what it says it is doing; the end of its output is kept for a failure."""
    said: list[str] = []
    with process.started(call) as running:
        for raw in running.stdout or ():
            line = raw.decode("utf-8", "replace").rstrip()
            said.append(line)
            if line.startswith("I: "):
                tell(line.removeprefix("I: "))
        code = running.wait()
    if code != 0:
        tail = "\n".join(said[-30:]).encode()
        raise process.ProgramFailed(process.Completed(tuple(call), code, b"", tail))


@contextmanager
def only_one(archive: Path) -> Iterator[None]:
    """Two labs that need a root at once make and import it once. Nobody waits for a root that he does not need."""
    with locked(archive.with_suffix(".lock")):
        yield
