"""Leases: what only one builder may do at a time, on however many hosts builders are.

A lease is an object of the environment's artifact bucket. Who made it holds it, and renews it while it lives. It is
taken over from a dead owner: one whose process is gone from this machine, or that gave no sign of life for longer than
it promised, by the bucket's clock. See docs/decisions/0010.
"""

from __future__ import annotations

import logging
import random
import secrets
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from orchestrator.aws.account import AwsError
from orchestrator.errors import AmiError, Interrupted
from orchestrator.run.leases.heartbeat import Heart, Held
from orchestrator.run.leases.lease_record import Record, Records
from orchestrator.run.leases.owner import LeaseOwner, Life

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

    from orchestrator.aws.account import Account

__all__ = ["LeaseHeld", "LeaseOwner", "Leases", "NoLeases", "leases_of", "nothing", "pauses", "run_key"]

LOG = logging.getLogger(__name__)

#: Seconds without a sign of life after which an owner on another machine counts as dead.
TTL = 60.0
#: Seconds between two attempts to get a lease: growing from the first to the second.
_FIRST, _LONGEST = 1.0, 5.0
#: How often a lease is tried for that others seem to take and give back all the time.
_TRIES = 3
#: Seconds between two looks at a process of this machine that holds what is waited for.
_GLANCE = 0.2


def nothing() -> None:
    """A lease that is lost and that nobody minds."""


def _silent(_owner: LeaseOwner) -> None:
    """A wait that nobody is told of."""


class LeaseHeld(Exception):
    """The lease of a key is somebody else's: that of `record`; None when nobody could be seen holding it."""

    def __init__(self, key: str, record: Record | None) -> None:
        super().__init__(key, record)
        self.key = key
        self.record = record


class Leases:
    """What this process holds in a bucket. Safe to share between threads."""

    exclusive = True

    def __init__(self, account: Account, bucket: str, owner: LeaseOwner, *, ttl: float = TTL) -> None:
        self.owner = owner
        self.records = Records(account.client("s3"), bucket, account.region)
        self._ttl = ttl
        self._heart = Heart(self.records, owner, ttl)
        self._left: set[str] = set()

    @contextmanager
    def hold(
        self,
        key: str,
        *,
        stop: threading.Event,
        lost: Callable[[], None] = nothing,
        waiting: Callable[[LeaseOwner], None] = _silent,
    ) -> Iterator[None]:
        """Hold the lease of a key while the block lasts; wait until it is ours, and tell `waiting` once for whom.

        `lost` is called, in the heartbeat's thread, when somebody else took the lease over. Raises Interrupted when
        `stop` is set during the wait, and LackError when the bucket cannot be used. Leaving the block never raises.
        """
        with self._kept(self._acquired(key, stop, lost, waiting)):
            yield

    @contextmanager
    def take(self, key: str, *, lost: Callable[[], None] = nothing) -> Iterator[None]:
        """Hold the lease of a key as `hold` does if it can be had at once. Raises LeaseHeld when it cannot."""
        token = secrets.token_hex(16)
        in_the_way: Record | None = None
        for _ in range(_TRIES):
            etag, in_the_way = self._attempted(key, token)
            if etag:
                break
            if in_the_way is not None and not in_the_way.dead:
                raise LeaseHeld(key, in_the_way)
        else:  # others took it and gave it back meanwhile, each time
            raise LeaseHeld(key, in_the_way)
        with self._kept(Held(key, token, etag, lost)):
            yield

    @contextmanager
    def _kept(self, held: Held) -> Iterator[None]:
        """Renew a lease while the block lasts, and release it."""
        self._heart.add(held)
        try:
            yield
        finally:
            self._heart.drop(held)
            self._release(held)

    def leave(self, key: str) -> None:
        """When the hold of a key ends, let its object stay: what it is a sign of is not over."""
        self._left.add(key)

    def do_not_leave(self, key: str) -> None:
        """When the hold of a key ends, remove its object after all."""
        self._left.discard(key)

    def _acquired(
        self, key: str, stop: threading.Event, lost: Callable[[], None], waiting: Callable[[LeaseOwner], None]
    ) -> Held:
        token, told = secrets.token_hex(16), False
        for pause in pauses():
            etag, in_the_way = self._attempted(key, token)
            if etag:
                return Held(key, token, etag, lost)
            if in_the_way is not None and in_the_way.owner is not None and not told:
                waiting(in_the_way.owner)
                told = True
            if _interrupted(stop, pause, in_the_way):
                raise Interrupted(f"stopped while waiting for {in_the_way.owner if in_the_way else key}")
        raise AssertionError("pauses never end")

    def _attempted(self, key: str, token: str) -> tuple[str, Record | None]:
        """Try to get a lease, also from a dead owner. Its ETag, empty when it is not ours, and what was in the way."""
        etag = self.records.write(key, self.owner, token=token, ttl=self._ttl)
        in_the_way = None if etag else self.records.read(key, ttl=self._ttl)
        if in_the_way is not None and in_the_way.dead:
            etag = self.records.write(key, self.owner, token=token, ttl=self._ttl, over=in_the_way.etag)
        return etag, in_the_way

    def _release(self, held: Held) -> None:
        """Delete the lease unless it is another's by now. If that fails, it dies with this process."""
        with held.lock:
            if held.ended or held.key in self._left:
                held.ended = True
                return
            held.ended = True
            try:
                if self.records.delete(held.key, held.etag):
                    return
                there = self.records.read(held.key, ttl=self._ttl)
                if there is not None and there.token == held.token:
                    self.records.delete(held.key, there.etag)
            except (AmiError, *AwsError) as error:
                LOG.info("the lease %s was not released: %s", held.key, error)


class NoLeases:
    """For an environment without a bucket: everything may be done at any time, and is not exclusive."""

    exclusive = False

    @contextmanager
    def hold(
        self,
        key: str,  # noqa: ARG002 - the signature of Leases.hold
        *,
        stop: threading.Event,  # noqa: ARG002
        lost: Callable[[], None] = nothing,  # noqa: ARG002
        waiting: Callable[[LeaseOwner], None] = _silent,  # noqa: ARG002
    ) -> Iterator[None]:
        """Go on at once: without a bucket there is nobody to agree with."""
        yield

    @contextmanager
    def take(self, key: str, *, lost: Callable[[], None] = nothing) -> Iterator[None]:  # noqa: ARG002
        """Go on at once, as `hold` does."""
        yield

    def leave(self, key: str) -> None:
        """Do nothing: there is no lease that could stay."""

    def do_not_leave(self, key: str) -> None:
        """Do nothing: no lease stays in any case."""


def leases_of(account: Account, bucket: str, owner: LeaseOwner) -> Leases | NoLeases:
    """The leases of an environment: in its artifact bucket, or none at all when it has no bucket."""
    return Leases(account, bucket, owner) if bucket else NoLeases()


def run_key(run: str) -> str:
    """The key of the lease that is a run's sign of life."""
    return f"run/{run}"


def pauses() -> Iterator[float]:
    """Seconds to wait before each further attempt; no two waiters keep step."""
    pause = _FIRST
    while True:
        yield pause * random.uniform(0.8, 1.2)  # noqa: S311 - nothing is secret about it
        pause = min(pause * 1.5, _LONGEST)


def _interrupted(stop: threading.Event, seconds: float, in_the_way: Record | None) -> bool:
    """Wait, but not longer than the owner lives as far as this machine can tell. Returns whether `stop` was set."""
    # Not `polling.poll`: the first look comes after a pause, so that two who lose to each other do not race.
    owner = in_the_way.owner if in_the_way else None
    deadline = time.monotonic() + (seconds if in_the_way else 0.0)
    while (left := deadline - time.monotonic()) > 0:
        if stop.wait(min(left, _GLANCE)):
            return True
        if owner is not None and owner.life is Life.GONE:
            return False
    return stop.is_set()
