"""What every run has, whatever it does in an account: an identity, a record, an ear for signals, and a sign of life.

A build is one kind of run. Whoever copies, promotes or retires versions begins a session as well:

    with session(root, account, bucket, listener, tell=say) as begun:
        ...
    begun.conclude({"copied": 3})
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.run.session.identity import begin
from orchestrator.run.session.journal import recorded, write_summary
from orchestrator.run.session.life import life_of
from orchestrator.run.session.stop import signals_set

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from orchestrator.aws.account import Account
    from orchestrator.progress import Listener
    from orchestrator.run.leases.lease import Leases, NoLeases
    from orchestrator.run.session.identity import RunIdentity


@dataclass(frozen=True)
class RunSession:
    """A run that has begun."""

    identity: RunIdentity
    #: Gets every event, and writes it down.
    listener: Listener
    #: Who may do what, among all runs of the bucket; the run's own lease is held for as long as the session lasts.
    leases: Leases | NoLeases
    #: Set by the first signal, and when a sweep took this run for dead: end tidily.
    stop: threading.Event
    #: Set by the second signal: end at once.
    urgent: threading.Event

    def conclude(self, summary: Mapping[str, Any]) -> None:
        """Write how the run ended, a JSON object, when the session is over. A run without a summary was cut off."""
        write_summary(self.identity.folder, summary)


@contextmanager
def session(
    root: Path,
    account: Account,
    bucket: str,
    listener: Listener,
    *,
    tell: Callable[[str], None],
    environment: str = "",
) -> Iterator[RunSession]:
    """Begin a run in the workspace at `root`, with its lease in an account's `bucket` (empty: without leases).

    `environment` is the name of the environment, for the record.

    `listener` hears what happens, `tell` what a person should read at once. Raises LackError when the bucket cannot be
    used. Signals are taken for as long as it lasts.
    """
    identity = begin(root, environment)
    stop, urgent = threading.Event(), threading.Event()
    with (
        recorded(identity.folder, listener) as heard,
        signals_set(stop, urgent, tell),
        life_of(account, bucket, identity, lost=stop.set) as leases,
    ):
        yield RunSession(identity, heard, leases, stop, urgent)
