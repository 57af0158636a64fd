"""Which of the leases that a run waits for need not be waited for any longer, without a request for each of them.

One list tells which leases are there, which of them changed, and how old each is. Only what changed is read again: it
was renewed, or it has another owner by now.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.run.leases.lease import TTL, pauses
from orchestrator.run.leases.owner import Life

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestrator.run.leases.lease_record import Record, Records


class Lookout:
    """Looks at the leases of one bucket, every few seconds. For one thread."""

    def __init__(self, records: Records) -> None:
        self._records = records
        #: The newest state of each lease that is waited for, by its key.
        self.known: dict[str, Record | None] = {}
        self._given: dict[str, Record | None] = {}
        self._pauses: Iterator[float] = pauses()
        self._next = 0.0

    def free(self, waited: Mapping[str, Record | None]) -> set[str]:
        """The keys whose lease is gone, or whose owner is dead. `waited` has each lease as it was when it was refused.

        Between two looks at the bucket only processes of this machine are looked at. The first look comes about a
        second after something new is waited for, later ones up to five seconds after each other. Raises LackError when
        the bucket cannot be used, and what boto3 raises.
        """
        self._begin(waited)
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + next(self._pauses)
            return self._listed()
        return {key for key, record in self.known.items() if _gone(record)}

    def _begin(self, waited: Mapping[str, Record | None]) -> None:
        """Take in what is waited for since the last time."""
        new = {
            key: record for key, record in waited.items() if key not in self._given or self._given[key] is not record
        }
        self._given = dict(waited)
        self.known = {key: record for key, record in self.known.items() if key in waited} | new
        if new:
            self._pauses = pauses()
            now = time.monotonic()
            soon = now + next(self._pauses)
            self._next = min(soon, self._next) if self._next > now else soon

    def _listed(self) -> set[str]:
        listed = self._records.listed()
        for key, record in self.known.items():
            lease = listed.get(key)
            if lease is None:
                continue
            if record is not None and record.etag == lease.etag:
                self.known[key] = replace(record, age=lease.age)
            else:
                self.known[key] = self._records.read(key, ttl=TTL)
        return {key for key, record in self.known.items() if key not in listed or record is None or record.dead}


def _gone(record: Record | None) -> bool:
    return record is not None and record.owner is not None and record.owner.life is Life.GONE
