"""Programs of another architecture on this host: the kernel hands them to QEMU (binfmt_misc).

What is registered with the kernel stays so until the host's next boot, as what `systemd-binfmt` registers does.
Source: Linux kernel admin guide, "Kernel Support for miscellaneous Binary Formats (binfmt_misc)".
"""

from __future__ import annotations

import platform
from pathlib import Path

from orchestrator import process
from orchestrator.errors import LackError

FORMATS = Path("/proc/sys/fs/binfmt_misc")
#: Where the package of QEMU says how the kernel knows an arm64 program (binfmt.d(5)).
ARM64 = Path("/usr/lib/binfmt.d/qemu-aarch64.conf")
#: EC2's architectures by what `uname -m` says.
NATIVE = {"x86_64": "x86_64", "aarch64": "arm64"}


def enable(architecture: str) -> None:
    """Let this host run programs of an EC2 architecture. Needs root where the kernel does not know them yet.

    Raises LackError when QEMU is missing, or the kernel takes no formats.
    """
    if NATIVE.get(platform.machine()) == architecture:
        return
    if architecture != "arm64":
        raise LackError(f"the lab makes machines of {architecture} on hosts of {architecture} only")
    known = FORMATS / ARM64.stem
    if not known.exists():
        _register()
    flags = registered_flags(known.read_text())
    if "F" not in flags:
        what = f"arm64 programs run here, but not in containers: {known} has the flags '{flags}', without F"
        raise LackError(what, hint=f"echo -1 >{known}; apt-get install --reinstall qemu-user-static")


def _register() -> None:
    if not ARM64.exists():
        raise LackError("this host cannot run arm64 programs", hint="apt-get install qemu-user-static")
    try:
        if not (FORMATS / "register").exists():
            process.run(["mount", "-t", "binfmt_misc", "binfmt_misc", str(FORMATS)])
        (FORMATS / "register").write_text(ARM64.read_text().strip())
    except (process.ProgramFailed, OSError) as error:
        what = f"the kernel cannot be told of arm64 programs: {error}"
        raise LackError(
            what, hint=f"{FORMATS} must be mounted and writable, as on any machine that is no container"
        ) from None


def registered_flags(entry: str) -> str:
    """The flags in what the kernel says of a format. F: the interpreter was opened for all, also for containers."""
    return next((line.partition(":")[2].strip() for line in entry.splitlines() if line.startswith("flags:")), "")
