"""The signs of life of held leases: one thread renews all that one process holds."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.aws.account import AwsError
from orchestrator.errors import AmiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.run.leases.lease_record import Records
    from orchestrator.run.leases.owner import LeaseOwner

LOG = logging.getLogger(__name__)

#: Beats in the time after which a silent owner counts as dead: two may fail.
_BEATS = 3
#: Seconds between two looks at the clock; a machine that was suspended finds out so soon that it was.
_LOOK = 2.0


@dataclass
class Held:
    """A lease that this process holds."""

    key: str
    token: str
    etag: str
    lost: Callable[[], None]
    began: float = field(default_factory=time.monotonic)
    ended: bool = False
    """It was lost, released or left: nothing is written any more."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    """That of its renewal and its release."""


class Heart:
    """Beats while there is something to renew; its thread never keeps the process from ending."""

    def __init__(self, records: Records, owner: LeaseOwner, ttl: float) -> None:
        self._records = records
        self._owner = owner
        self._ttl = ttl
        self._held: list[Held] = []
        self._changing = threading.Lock()
        self._none_held = threading.Event()

    def add(self, held: Held) -> None:
        """Renew a lease from now on."""
        with self._changing:
            self._held.append(held)
            if len(self._held) == 1:
                self._none_held = threading.Event()
                threading.Thread(target=self._beat, args=(self._none_held,), name="heartbeat", daemon=True).start()

    def drop(self, held: Held) -> None:
        """Do not renew a lease any more."""
        with self._changing:
            self._held.remove(held)
            if not self._held:
                self._none_held.set()

    def _beat(self, none_held: threading.Event) -> None:
        """Renew everything in turn, until nothing is held. Monotonic clocks stand still while a machine sleeps."""
        pause = self._ttl / _BEATS
        last = (time.monotonic(), time.time())
        while not none_held.wait(min(pause, _LOOK)):
            now = (time.monotonic(), time.time())
            if max(now[0] - last[0], now[1] - last[1]) < pause:
                continue
            last = now
            with self._changing:
                held = tuple(self._held)
            for one in held:
                self._renew(one)

    def _renew(self, held: Held) -> None:
        """Give a sign of life. What fails is tried again with the next beat: only another owner ends a hold."""
        with held.lock:
            if held.ended:
                return
            try:
                held.etag = self._renewed(held)
            except (AmiError, *AwsError) as error:
                LOG.info("the lease %s was not renewed: %s", held.key, error)
                return
            held.ended = not held.etag
        if held.ended:
            held.lost()

    def _renewed(self, held: Held) -> str:
        """The ETag of the renewed lease; empty when it is somebody else's, or was taken and is gone."""
        arguments = {"token": held.token, "ttl": self._ttl, "held": time.monotonic() - held.began}
        etag = self._records.write(held.key, self._owner, over=held.etag, **arguments)  # type: ignore[arg-type]
        if etag:
            return etag
        # A renewal that seemed to fail, and did not, left an ETag that we do not know yet.
        there = self._records.read(held.key, ttl=self._ttl)
        if there is None or there.token != held.token:
            return ""
        return self._records.write(held.key, self._owner, over=there.etag, **arguments)  # type: ignore[arg-type]
