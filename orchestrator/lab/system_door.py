"""What the lab's server answers at `door.SYSTEMS`: a system whose disk has been imported gets its AMIs there."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from orchestrator.errors import UsageError
from orchestrator.lab.ec2.backend import PublicImage, publish
from orchestrator.lab.systems import named

if TYPE_CHECKING:
    from orchestrator.lab.systems import System
    from orchestrator.lab.tables import Tables

#: Debian's own account on AWS.
DEBIAN = "136693071363"


class SystemDoor:
    """POST publishes the system that its body names (`publish`'s arguments), in every region; GET lists the names."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self.published: dict[str, str] = {}
        """AMI names by the names of the systems."""

    def __call__(self, method: str, body: bytes) -> tuple[int, Any]:
        """The status and the answer."""
        try:
            if method == "POST":
                self.publish(**json.loads(body))
        except UsageError as error:
            return 400, {"error": error.message, "hint": error.hint}
        except (ValueError, TypeError) as error:
            return 400, {"error": f"the body is no system: {error}", "hint": ""}
        return 200, list(self.published)

    def publish(self, name: str, disk: str, made: str, serial: int) -> None:
        """Have the AMI of a system in every region. `made`: the day of its root, YYYYMMDD; `serial`: its recipe's.

        Raises UsageError for a system that nobody knows.
        """
        with self._tables.lock:
            if name not in self.published:
                image = public_image(named(name), disk, made, serial)
                publish(self._tables, image)
                self.published[name] = image.name


def public_image(system: System, disk: str, made: str, serial: int) -> PublicImage:
    """Debian's AMI of a system, named and owned as Debian's own on EC2."""
    name = system.ami_name(made, serial)

    def id_in(region: str) -> str:
        # The first system's ids are of the time before there were others.
        mark = f"{region}/{made}/{serial}" if system.name == "debian-12" else f"{region}/{name}"
        return "ami-" + hashlib.sha256(mark.encode()).hexdigest()[:17]

    said = f"Debian {system.version} ({made}-{serial})"
    return PublicImage(name, DEBIAN, said, disk, id_in, system.architecture)
