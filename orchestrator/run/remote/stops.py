"""The requests to stop a task that runs elsewhere: which have to be passed on now."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading
    from collections.abc import Container


@dataclass
class Stops:
    """Those of one task. `stop_name` and `urgent_name` are what workers listen for; `begun` has the names of tasks
    that a worker has begun.
    """

    stop: threading.Event
    urgent: threading.Event
    stop_name: str
    urgent_name: str
    begun: Container[str]
    _told: set[str] = field(default_factory=set)

    def due(self) -> tuple[str, ...]:
        """The names of requests that were made since this was asked."""
        made = {self.stop_name: self.stop.is_set(), self.urgent_name: self.urgent.is_set()}
        new = tuple(name for name, is_made in made.items() if is_made and name not in self._told)
        self._told.update(new)
        return new

    def in_vain(self, task: str) -> bool:
        """Whether a task waits to begin that is not wanted any more."""
        return self.stop.is_set() and task not in self.begun
