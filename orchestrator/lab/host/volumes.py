"""Volumes of machines besides their root: files on this host, which a machine sees as block devices by loop devices.

The files are sparse: they take the room of what was written to them. What is attached is found by its file, so that
nothing is lost with the server.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator import process
from orchestrator.errors import LackError

if TYPE_CHECKING:
    from collections.abc import Collection

LOG = logging.getLogger(__name__)

GIB = 1024**3
#: The major number of loop devices (Linux, Documentation/admin-guide/devices.txt).
_LOOP = 7


@dataclass(frozen=True)
class VolumeFiles:
    """The volumes and snapshots of one lab, in a folder of its own."""

    folder: Path

    def attach(self, volume_id: str, gib: int, snapshot_id: str = "") -> str:
        """The loop device of a volume, `/dev/loop3`; the volume is made, of a snapshot or empty, when it is new.

        Raises LackError when this host has no loop devices.
        """
        path = self._path(volume_id)
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            fresh = path.with_suffix(".new")
            fresh.unlink(missing_ok=True)
            if snapshot_id and self._path(snapshot_id).exists():
                _copy(self._path(snapshot_id), fresh)
            with fresh.open("ab") as file:
                file.truncate(gib * GIB)
            fresh.replace(path)
        return _attached().get(str(path)) or self._loop(path)

    def save(self, volume_id: str, snapshot_id: str) -> None:
        """Copy a volume into a snapshot, as it is on the disk now."""
        path = self._path(volume_id)
        if (loop := _attached().get(str(path))) is not None:
            process.run(["blockdev", "--flushbufs", loop], check=False)
        _copy(path, self._path(snapshot_id))

    def copy(self, snapshot_id: str, other: str) -> None:
        """Copy a snapshot."""
        if self._path(snapshot_id).exists():
            _copy(self._path(snapshot_id), self._path(other))

    def keep(self, ids: Collection[str]) -> None:
        """Remove every volume and snapshot but these."""
        loops = None
        for path in self.folder.glob("*.img"):
            if path.stem not in ids:
                loops = _attached() if loops is None else loops
                if str(path) in loops:
                    process.run(["losetup", "--detach", loops[str(path)]], check=False)
                path.unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove all of them."""
        if self.folder.is_dir():
            self.keep(())
            shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, thing: str) -> Path:
        return self.folder / f"{thing}.img"

    def _loop(self, path: Path) -> str:
        try:
            free = process.run(["losetup", "--find"]).out.strip()
            if free and not Path(free).exists():  # where /dev is not the kernel's own, nobody makes the file
                os.mknod(free, stat.S_IFBLK | 0o600, os.makedev(_LOOP, int(free.removeprefix("/dev/loop"))))
            return process.run(["losetup", "--find", "--show", str(path)]).out.strip()
        except (process.ProgramFailed, OSError) as error:
            hint = "volumes besides the root need loop devices: modprobe loop"
            raise LackError(f"no loop device for a volume: {error}", hint=hint) from error


def _attached() -> dict[str, str]:
    """Loop devices by the file that each shows."""
    listed = process.run(["losetup", "--json", "--list", "--output", "NAME,BACK-FILE"]).out
    return {each["back-file"]: each["name"] for each in json.loads(listed or '{"loopdevices": []}')["loopdevices"]}


def _copy(source: Path, target: Path) -> None:
    process.run(["cp", "--sparse=always", "--reflink=auto", str(source), str(target)], timeout=900)
