"""The disks of a lab: saves machines into snapshots, and removes what no snapshot holds any more."""

from __future__ import annotations

import logging
import math
import threading
import time
from typing import TYPE_CHECKING, Any

from orchestrator.errors import AmiError
from orchestrator.lab.host.emulation import emulated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from orchestrator.lab.ec2.ami import StateReason
    from orchestrator.lab.host.podman import Podman
    from orchestrator.lab.host.volumes import VolumeFiles
    from orchestrator.lab.tables import Tables

LOG = logging.getLogger(__name__)


class Disks:
    """Images of podman's that hold snapshots.

    `held` keeps every other step away from a machine; `delay` is how many seconds an image stays pending after its
    disk is saved.
    """

    def __init__(
        self,
        tables: Tables,
        podman: Podman,
        held: Callable[[str], AbstractContextManager[None]],
        delay: float,
        files: VolumeFiles,
    ) -> None:
        self._tables = tables
        self._podman = podman
        self._held = held
        self._delay = delay
        self._files = files
        self._saved: set[str] = set()
        self._saving = 0
        self._counting = threading.Lock()
        #: Held while disks are removed.
        self._removing = threading.Lock()

    def capture(
        self,
        instance: Any,
        snapshot: Any,
        *,
        image: Any | None,
        reboot: bool,
        longer: float = 0.0,
        volumes: Mapping[str, str] | None = None,
    ) -> None:
        """Save a machine's disk in the background. With `reboot` it is shut down first and started again after.

        The image stays pending for `longer` seconds more than those of this lab do. `volumes` has the snapshot of each
        further volume.
        """
        snapshot.status = "pending"
        snapshot.disk = self._podman.disk_name(snapshot.id)
        if image is not None:
            image.state = "pending"
        with self._counting:
            self._saving += 1
        # Snapshots of further volumes are made at the same time; the root is what most AMIs wait for.
        delay = self._delay + longer + self._tables.times.of_snapshot(snapshot.volume.size)
        asked = {"reboot": reboot, "delay": delay, "volumes": volumes or {}}
        threading.Thread(target=self._capture, args=(instance, snapshot, image), kwargs=asked, daemon=True).start()

    def hold_back(
        self, image: Any | None, snapshot: Any | None, seconds: float, failure: StateReason | None = None
    ) -> None:
        """Show an image, a snapshot or both as pending for so many seconds, perhaps for ever; then they may fail."""
        status, state = ("error", "failed") if failure else ("completed", "available")
        if not seconds:
            self._settle(snapshot, image, status, state, failure)
            return
        self._settle(snapshot, image, "pending", "pending")
        if seconds < math.inf:
            timer = threading.Timer(seconds, self._settle, (snapshot, image, status, state, failure))
            timer.daemon = True
            timer.start()

    def sweep(self) -> None:
        """Remove the disks that no snapshot holds and no machine runs from. Those still in use wait for the next.

        Never while a disk is being saved. `podman commit` makes no new layer where one with the same content stands
        already, as after two saves of a machine that did nothing in between; when the image that holds this layer is
        removed before the commit has ended, it fails with "layer not known".
        """
        with self._tables.lock:
            unused = self._saved - self._tables.disks()
            kept = self._tables.volumes()
        with self._counting:
            if not self._saving:
                self._files.keep(kept)
        if not unused:
            return
        with self._removing:
            if not self._saving:
                self._saved -= unused - set(self._podman.remove_images(sorted(unused)))

    def copy_volume(self, snapshot_id: str, other: str) -> None:
        """Copy the content of a volume's snapshot."""
        self._files.copy(snapshot_id, other)

    def _capture(
        self,
        instance: Any,
        snapshot: Any,
        image: Any | None,
        *,
        reboot: bool,
        delay: float,
        volumes: Mapping[str, str],
    ) -> None:
        began = time.monotonic()
        try:
            try:
                with self._held(instance.id):
                    self._save(instance, snapshot.disk, volumes, reboot=reboot)
            finally:
                self._allow_removal()
            time.sleep(delay)
            status, state = "completed", "available"
        except (AmiError, OSError):
            LOG.exception("the disk of %s was not saved", instance.id)
            status, state = "error", "failed"
        self._settle(snapshot, image, status, state)
        LOG.info("capture %s: %.1f s", instance.id, time.monotonic() - began)

    def _settle(
        self, snapshot: Any | None, image: Any | None, status: str, state: str, reason: StateReason | None = None
    ) -> None:
        with self._tables.lock:
            if snapshot is not None:
                snapshot.status = status
            if image is not None:
                image.state = state
                image.reason = reason

    def _allow_removal(self) -> None:
        with self._counting:
            self._saving -= 1
        # A sweep may have been put off.
        self._tables.wake()

    def _save(self, instance: Any, disk: str, volumes: Mapping[str, str], *, reboot: bool) -> None:
        name = self._podman.machine_name(instance.id)
        restart = reboot and instance.state == "running"
        if restart:
            self._podman.stop(name, emulated=emulated(instance.architecture))
        with self._removing:
            # A removal that began before this save was asked for has ended now, and no other begins.
            pass
        self._podman.commit(name, disk)
        for volume_id, snapshot_id in volumes.items():
            self._files.save(volume_id, snapshot_id)
        self._saved.add(disk)
        if restart:
            self._podman.start(name)
