"""What happens in the lab, as the services of AWS tell it: whoever listens is called in the thread that tells."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class AwsEvent:
    """One event as EventBridge would get it from a service (EventBridge User Guide, "Events from AWS services")."""

    source: str
    """`aws.ec2`."""
    kind: str
    """The detail type, `EC2 AMI State Change`."""
    account: str
    region: str
    detail: Mapping[str, Any]
    resources: tuple[str, ...] = ()
    """ARNs."""


@dataclass
class Events:
    """Who listens to the lab's events."""

    _listeners: list[Callable[[AwsEvent], None]] = field(default_factory=list)

    def listen(self, listener: Callable[[AwsEvent], None]) -> None:
        """Call this one with each event from now on."""
        self._listeners.append(listener)

    def tell(self, event: AwsEvent) -> None:
        """Tell all who listen. One that fails is written to the log: what happened has happened."""
        for listener in list(self._listeners):
            try:
                listener(event)
            except Exception:
                LOG.exception("%s of %s", event.kind, event.source)
