"""What the parts of a lab are put together from: each module of `parts/` adds its own to it."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from orchestrator.lab.api.events import Events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from orchestrator.lab.api.dispatch import Door, Guard, Handler
    from orchestrator.lab.api.faults import Faults
    from orchestrator.lab.ec2.disks import Disks
    from orchestrator.lab.ec2.machines import Machines
    from orchestrator.lab.settings import Settings
    from orchestrator.lab.tables import Tables

    #: A WSGI application.
    Application = Callable[[dict[str, Any], Any], Iterable[bytes]]

LOG = logging.getLogger(__name__)


@dataclass
class Assembly:
    """A lab that is being put together: what is there, and what its parts add before it begins to answer."""

    settings: Settings
    tables: Tables
    machines: Machines
    disks: Disks
    faults: Faults
    events: Events = field(default_factory=Events)
    handlers: dict[str, Handler] = field(default_factory=dict)
    """Who answers some actions of a JSON service in moto's place, by the service as SigV4 names it."""
    doors: dict[str, Door] = field(default_factory=dict)
    """The lab's own paths, which are no calls of AWS."""
    guards: list[tuple[int, Guard]] = field(default_factory=list)
    """What may refuse a call before it is answered, the lowest number first."""
    health: dict[str, Callable[[], Any]] = field(default_factory=dict)
    """What `ami lab status` asks besides."""
    unpublished: set[str] = field(default_factory=set)
    """Operations (`service:Action`) of which AWS publishes no model, and that the lab answers nevertheless."""
    listeners: list[Callable[[Application], None]] = field(default_factory=list)
    """Called with the lab's AWS once it is whole: who answers elsewhere with it, besides the lab's own port."""
    _routines: list[tuple[float, Callable[[], None]]] = field(default_factory=list)

    def every(self, seconds: float, routine: Callable[[], None]) -> None:
        """Call this one again and again while the lab is up, in a thread of its own.

        It takes the lock of the tables itself, for as long as it reads or writes them.
        """
        self._routines.append((seconds, routine))

    def begin(self) -> None:
        """Start what was added with `every`."""
        for seconds, routine in self._routines:
            threading.Thread(target=_again, args=(seconds, routine), daemon=True).start()


def _again(seconds: float, routine: Callable[[], None]) -> None:
    while True:
        try:
            routine()
        except Exception:
            # What failed now may work with the next tables.
            LOG.exception("%s.%s", routine.__module__, getattr(routine, "__qualname__", routine))
        time.sleep(seconds)
