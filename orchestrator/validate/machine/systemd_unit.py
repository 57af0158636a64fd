"""The systemd unit in which commands run on a machine, and what it forbids them.

Over Run Command that is the unit of the agent: what an image's roles say of it (limits, read-only paths, a /tmp of its
own; systemd.exec(5)) applies to everything that a test asks. A test that fails for it should say so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_READ_ONLY = r"Read-only file system"
_REFUSED = r"Permission denied|Operation not permitted"

#: Settings that can make a command fail, and the traces that this leaves in a command or in what it wrote.
_TRACES = {
    "ReadOnlyPaths": _READ_ONLY,
    "ProtectSystem": _READ_ONLY,
    "ProtectKernelTunables": rf"{_READ_ONLY}|{_REFUSED}",
    "ProtectControlGroups": _READ_ONLY,
    "PrivateTmp": r"\btmp\b",
    "ProtectHome": r"/(home|root|run/user)\b",
    "InaccessiblePaths": _REFUSED,
    "TemporaryFileSystem": r"No such file or directory",
    "PrivateDevices": r"/dev/",
    "NoNewPrivileges": rf"no new privileges|\bsudo\b|{_REFUSED}",
    "CapabilityBoundingSet": _REFUSED,
    "SystemCallFilter": rf"{_REFUSED}|Bad system call",
    "RestrictAddressFamilies": r"Address family not supported",
    "UMask": r"\b(umask|mkdir|touch|install)\b",
    "LimitNOFILE": r"Too many open files|\bulimit\b",
    "LimitNPROC": r"Cannot fork|fork: retry|Resource temporarily unavailable",
    "TasksMax": r"Cannot fork|fork: retry|Resource temporarily unavailable",
    "LimitFSIZE": r"File size limit exceeded|File too large",
    "MemoryMax": r"\bKilled\b|Cannot allocate memory",
}
#: Values that restrict nothing. `~` is a filter that says nothing, a bounding set of 38 and more is the whole one.
_HARMLESS = re.compile(r"|~|no|none|infinity|0022|(cap_\w+ ?){38,}")

#: Shell that prints what `unit_of` reads; nothing for a command that runs in no service, as over SSH.
SHOW = (
    "unit=$(grep -om 1 '[^/]*\\.service$' /proc/self/cgroup) && echo \"Id=$unit\" && "
    f'systemctl show "$unit" --property={",".join(_TRACES)}'
)


@dataclass(frozen=True)
class SystemdUnit:
    """A unit by its name, without `.service`, and those of its settings that restrict something."""

    name: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)

    def blame(self, *texts: str) -> str:
        """Which settings may have made a command fail that is, or wrote, one of `texts`; empty when none has."""
        guilty = [
            f"{name}={value}"
            for name, value in self.settings.items()
            if any(re.search(_TRACES[name], text) for text in texts)
        ]
        if not guilty:
            return ""
        return f"commands run in the machine's unit {self.name}, which has {' '.join(guilty)}"


def unit_of(said: str) -> SystemdUnit:
    """The unit that SHOW has printed."""
    lines = dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
    settings = {name: lines[name] for name in _TRACES if not _HARMLESS.fullmatch(lines.get(name, ""))}
    return SystemdUnit(lines.get("Id", "").removesuffix(".service"), settings)
