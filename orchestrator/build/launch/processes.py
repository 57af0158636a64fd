"""The end of what a Packer process left running: Ansible's workers and SSH's masters have sessions of their own.

A kill of Packer's process group does not reach them. They are known by the private folder of the build, which nothing
else uses. Without /proc (macOS) they end by themselves, within a minute as a rule.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

from orchestrator.files.folder_users import users_of
from orchestrator.polling import poll, steady

if TYPE_CHECKING:
    from pathlib import Path

#: Seconds after which a process that will not die is left to itself.
_PATIENCE = 5.0


def end_orphans(private: Path) -> None:
    """Kill every process of a build, also those that the killed ones were just starting."""
    poll(lambda: _killed(private), until=lambda killed: not killed, pauses=steady(0.05), within=_PATIENCE)


def _killed(private: Path) -> list[int]:
    """Kill the processes that a build has now. Returns their numbers."""
    there = list(users_of(private))
    for pid in there:
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    return there
