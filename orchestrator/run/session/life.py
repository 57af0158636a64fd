"""A run's sign of life: its own lease, held as long as it lives."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from orchestrator.run.leases.lease import leases_of, nothing, run_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestrator.aws.account import Account
    from orchestrator.run.leases.lease import Leases, NoLeases
    from orchestrator.run.session.identity import RunIdentity


@contextmanager
def life_of(
    account: Account,
    bucket: str,
    identity: RunIdentity,
    *,
    lost: Callable[[], None] = nothing,
) -> Iterator[Leases | NoLeases]:
    """The leases of a run, whose own it holds for its whole life: the sign by which the sweep knows that it lives.

    `lost` is called when a sweep took the run for dead: it removes what the run made.
    """
    leases = leases_of(account, bucket, identity.owner)
    with leases.hold(run_key(identity.id), stop=threading.Event(), lost=lost):
        yield leases
