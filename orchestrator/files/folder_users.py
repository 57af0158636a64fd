"""Which processes have a folder for their temporary files.

They are known by their environment, which names the folder as TMPDIR, and SSH's masters by their title: they write it
over their environment, and it names their socket. Without /proc (macOS) none is found.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def users_of(folder: Path) -> Iterator[int]:
    """The numbers of the processes whose TMPDIR a folder is, and of SSH's masters in it. A dead one has neither."""
    wanted, title = f"TMPDIR={folder}".encode(), f"ssh: {folder}/".encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment, command = (process / "environ").read_bytes(), (process / "cmdline").read_bytes()
        except OSError:
            continue
        if wanted in environment.split(b"\0") or command.startswith(title):
            yield int(process.name)
