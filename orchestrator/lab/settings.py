"""What a lab is: the values that `up` settles once, and that its server and `down` read from the state folder."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path

from orchestrator.errors import UsageError
from orchestrator.lab.accounts.organisation import Organisation, of_json

STATE = Path("/var/lib/ami-lab")
CACHE = Path("/var/cache/ami-lab")
DEFAULT_PORT = 4999
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")


@dataclass(frozen=True)
class Settings:
    """One lab. Delays in seconds."""

    name: str
    port: int
    command_delay: float
    image_delay: float
    agent_waits: float = 1.0
    """The share of their time that waits of the SSM agent take: the minute before it reboots a machine, the five
    minutes after a refused call; 1 as on AWS."""
    lenient: bool = False
    """Whether a parameter that the lab does not honour is written to the log, and not refused."""
    realistic: bool = False
    """Whether things take as long as on AWS."""
    organisation: Organisation = field(default_factory=Organisation)
    """Its accounts."""
    real_agent: bool = False
    """Whether the agent's package is one that the user has, and not the lab's stand-in."""
    enforce_iam: bool = False
    """Whether callers may do only what policies allow."""
    network: str = ""
    bridge: str = ""
    subnet: str = ""
    podman_options: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    disk: str = ""
    """The disk of Debian 12, which every lab has."""
    made: str = ""
    """The day the root of Debian 12 was made, YYYYMMDD."""
    serial: int = 0
    """Last part of the name of Debian 12's AMI, from its recipe."""

    @property
    def endpoint(self) -> str:
        """Where AWS clients find the lab."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def folder(self) -> Path:
        """Where the lab keeps its settings, its log and its process id; it goes with the lab."""
        return STATE / self.name

    @property
    def file(self) -> Path:
        """Where the settings are kept."""
        return self.folder / "lab.json"

    @property
    def log(self) -> Path:
        """What the server writes."""
        return self.folder / "server.log"

    @property
    def agent(self) -> Path:
        """The package that machines install as their Systems Manager agent."""
        return self.folder / "amazon-ssm-agent.deb"

    @property
    def profiles(self) -> Path:
        """A configuration file for AWS's tools with a profile for each account."""
        return self.folder / "aws-config"

    @property
    def volumes(self) -> Path:
        """Volumes of machines besides their roots, and their snapshots."""
        return self.folder / "volumes"

    @property
    def pid_file(self) -> Path:
        """Which process is the server."""
        return self.folder / "server.pid"

    @property
    def balancer_pid(self) -> Path:
        """Which process forwards for the lab's load balancers."""
        return self.folder / "balancer.pid"

    def save(self) -> None:
        """Write the settings, whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        fresh = self.file.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(self), indent=2))
        fresh.replace(self.file)


def load(file: Path) -> Settings | None:
    """The settings of a lab, None when there are none that can be read."""
    try:
        values = json.loads(file.read_text())
        values |= {key: tuple(values[key]) for key in ("podman_options", "limits")}
        values["organisation"] = of_json(values["organisation"])
        return Settings(**values)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def check_name(name: str) -> None:
    """Raise UsageError unless `name` can be part of the names of networks, folders and images."""
    if not NAME.fullmatch(name):
        raise UsageError(
            f"'{name}' cannot be a lab's name", hint="use up to 32 small letters, digits and inner hyphens"
        )
