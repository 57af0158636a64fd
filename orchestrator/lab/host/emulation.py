"""Programs of another architecture on this host: the kernel hands them to QEMU (binfmt_misc).

What is registered with the kernel stays so until the host's next boot, as what `systemd-binfmt` registers does.
Source: Linux kernel admin guide, "Kernel Support for miscellaneous Binary Formats (binfmt_misc)".
"""

from __future__ import annotations

import platform
import re
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator import process
from orchestrator.errors import LackError

if TYPE_CHECKING:
    from orchestrator.lab.systems import System

FORMATS = Path("/proc/sys/fs/binfmt_misc")
#: Where the package of QEMU says how the kernel knows an arm64 program (binfmt.d(5)).
ARM64 = Path("/usr/lib/binfmt.d/qemu-aarch64.conf")
#: The lab's own entry, and the flags that its machines need: F opens the interpreter once, also for containers; C gives
#: a program the rights of its file, without which `sudo` does not become root. Debian's entry has no C.
OWN, FLAGS = "ami-lab-arm64", "FC"
#: EC2's architectures by what `uname -m` says.
NATIVE = {"x86_64": "x86_64", "aarch64": "arm64"}

#: The oldest QEMU that starts the services of a release of Debian. systemd since 256 asks clone() for CLONE_PIDFD,
#: which QEMU 7.2 refuses ("Failed to spawn executor: Invalid argument").
OLDEST = {13: 8}


def emulated(architecture: str) -> bool:
    """Whether QEMU runs the programs of machines of an architecture (in EC2's words) on this host."""
    return NATIVE.get(platform.machine()) != architecture


def enable(system: System) -> None:
    """Let this host run the programs of a system. Needs root where the kernel does not know them yet.

    Raises LackError when QEMU is missing or too old, or the kernel takes no formats.
    """
    if not emulated(system.architecture):
        return
    if system.architecture != "arm64":
        what = f"the lab makes machines of {system.architecture} on hosts of {system.architecture} only"
        raise LackError(what, hint="choose a system of arm64: ami lab up --with debian-13-arm64")
    entries = [path for name in (OWN, ARM64.stem) if (path := FORMATS / name).exists() and not _is_outdated(path)]
    fitting = [text for path in entries if set(FLAGS) <= set(registered(text := path.read_text(), "flags:"))]
    interpreter = registered(fitting[0], "interpreter") if fitting else _register()
    if system.version in OLDEST:
        _check_version(Path(interpreter), system)


def _is_outdated(entry: Path) -> bool:
    """Whether QEMU was installed anew after the entry was made: with the flag F, the kernel still has the old one."""
    interpreter = Path(registered(entry.read_text(), "interpreter"))
    return interpreter.exists() and interpreter.stat().st_ctime > entry.stat().st_mtime


def _check_version(interpreter: Path, system: System) -> None:
    said = process.run([str(interpreter.resolve()), "--version"]).out.partition("\n")[0]
    found = re.search(r"version (\d+)", said)
    if found is None or int(found[1]) < OLDEST[system.version]:
        what = f"{system.name} needs QEMU {OLDEST[system.version]} or newer, and this host has: {said}"
        hint = f"take debian-12-{system.port}, or qemu-user-static of Debian 13 or of bookworm-backports"
        raise LackError(what, hint=hint)


def _register() -> str:
    """Tell the kernel of arm64 programs, besides what the package of QEMU may have told it; returns the interpreter."""
    if not ARM64.exists():
        raise LackError("this host cannot run arm64 programs", hint="apt-get install qemu-user-static")
    *fields, interpreter, flags = ARM64.read_text().strip().split(":")
    fields[1] = OWN
    more = "".join(flag for flag in FLAGS if flag not in flags)
    try:
        if not (FORMATS / "register").exists():
            process.run(["mount", "-t", "binfmt_misc", "binfmt_misc", str(FORMATS)])
        if (FORMATS / OWN).exists():
            (FORMATS / OWN).write_text("-1")
        (FORMATS / "register").write_text(":".join((*fields, interpreter, flags + more)))
    except (process.ProgramFailed, OSError) as error:
        what = f"the kernel cannot be told of arm64 programs: {error}"
        raise LackError(
            what, hint=f"{FORMATS} must be mounted and writable, as on any machine that is no container"
        ) from None
    return interpreter


def registered(entry: str, key: str) -> str:
    """The value of a key in what the kernel says of a format, empty when it has none."""
    return next((line.removeprefix(key).strip() for line in entry.splitlines() if line.startswith(key)), "")
