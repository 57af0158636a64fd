"""The shell script that waits until a machine has done what it does by itself after its boot (see quiet.sh).

At its first boot a machine may install packages: cloud-init, apt-daily, unattended-upgrades. Whoever installs or tests
something meanwhile fails for the moment's sake.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Seconds after which systemd's boot is not waited for any more, and after which nothing is.
BOOT, LIMIT = 300, 900
#: How what the script says begins.
PREFIX = "this machine: "
#: What apt and dpkg lock while they work.
LOCKS = (
    "/var/lib/dpkg/lock-frontend",
    "/var/lib/dpkg/lock",
    "/var/lib/apt/lists/lock",
    "/var/cache/apt/archives/lock",
)
#: Where cloud-init writes its result when its last stage has ended (its documentation, "Status"), anew at each boot.
RESULT = "/run/cloud-init/result.json"


def script(
    *, strict: bool, boot: int = BOOT, limit: int = LIMIT, locks: Sequence[str] = LOCKS, result: str = RESULT
) -> tuple[str, ...]:
    """The lines of the script. `strict`: it ends with an error when the machine is not quiet, or cloud-init failed."""
    settings = f"boot={boot} limit={limit} strict={int(strict)} prefix='{PREFIX}' result='{result}'"
    return (settings, f"locks='{' '.join(locks)}'", *_lines())


@cache
def _lines() -> tuple[str, ...]:
    text = resources.files("orchestrator").joinpath("quiet.sh").read_text(encoding="ascii")
    return tuple(re.sub(r"(?m)^ *(#.*)?\n", "", text).splitlines())
