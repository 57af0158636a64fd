"""The end of what a Packer process left running: Ansible's workers and SSH's masters have sessions of their own.

A kill of Packer's process group does not reach them. They are known by their environment, which names the private
folder of the build as TMPDIR: nothing else has that. An SSH master overwrites its environment with its title, which
names its socket in that folder. Without /proc (macOS) they end by themselves, within a minute as a
rule.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.polling import poll, steady

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Seconds after which a process that will not die is left to itself.
_PATIENCE = 5.0


def end_orphans(private: Path) -> None:
    """Kill every process of a build, also those that the killed ones were just starting."""
    poll(lambda: _killed(private), until=lambda killed: not killed, pauses=steady(0.05), within=_PATIENCE)


def _killed(private: Path) -> list[int]:
    """Kill the processes that a build has now. Returns their numbers."""
    there = list(_processes(private))
    for pid in there:
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    return there


def is_used(private: Path) -> bool:
    """Whether a process of a build still has the folder: one that was killed may have a Packer that cleans up."""
    return next(_processes(private), None) is not None


def _processes(private: Path) -> Iterator[int]:
    """Processes of ours with the private folder as TMPDIR, and SSH's masters. A dead one's environment is empty."""
    wanted, title = f"TMPDIR={private}".encode(), f"ssh: {private}/".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment, command = (folder / "environ").read_bytes(), (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if wanted in environment.split(b"\0") or command.startswith(title):
            yield int(folder.name)
