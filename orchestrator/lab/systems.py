"""The operating systems that a lab can have AMIs of, and what people and AMIs call them."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.errors import UsageError, did_you_mean


@dataclass(frozen=True)
class System:
    """A release of Debian on an architecture."""

    version: int
    suite: str
    """Debian's name of the release, as its mirrors have it."""
    architecture: str
    """In EC2's words: x86_64 or arm64."""

    @property
    def name(self) -> str:
        """As `ami lab up --with` takes it."""
        return f"debian-{self.version}" + ("" if self.architecture == "x86_64" else f"-{self.architecture}")

    @property
    def port(self) -> str:
        """The architecture in Debian's words: amd64 or arm64."""
        return "amd64" if self.architecture == "x86_64" else self.architecture

    @property
    def root(self) -> str:
        """How archives of its root filesystem are called."""
        return self.suite if self.architecture == "x86_64" else f"{self.suite}-{self.port}"

    def ami_name(self, made: str, serial: int) -> str:
        """As Debian names its AMIs: `debian-13-arm64-20250814-2204`."""
        return f"debian-{self.version}-{self.port}-{made}-{serial}"


#: The one that every lab has.
DEBIAN_12 = System(12, "bookworm", "x86_64")

SYSTEMS = {
    system.name: system
    for system in (
        DEBIAN_12,
        System(13, "trixie", "x86_64"),
        System(12, "bookworm", "arm64"),
        System(13, "trixie", "arm64"),
    )
}


def named(name: str) -> System:
    """The system of that name. Raises UsageError when there is none."""
    system = SYSTEMS.get(name)
    if system is None:
        raise UsageError(
            f"the lab has no system '{name}'{did_you_mean(name, SYSTEMS)}", hint=f"one of {', '.join(SYSTEMS)}"
        )
    return system
