"""Tasks that another run is doing: who does them, and when they need not be waited for any longer."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.aws.account import AwsError
from orchestrator.errors import AmiError, LackError
from orchestrator.progress import Event, Stage
from orchestrator.run.leases.lookout import Lookout
from orchestrator.run.schedule import PutOff
from orchestrator.run.tasks import BUILD, parts_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.progress import Listener
    from orchestrator.run.leases.lease_record import Record, Records

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Elsewhere(PutOff):
    """A task that another run does: its lease as it was when it was refused; None when nobody was seen holding it."""

    key: str
    record: Record | None


class Waits:
    """What a run waits for while it does other things. For one thread."""

    def __init__(self, records: Records, listener: Listener) -> None:
        self._lookout = Lookout(records)
        self._listener = listener
        #: Of each task, the run that was told of last.
        self._told: dict[str, str] = {}

    def over(self, put_off: Mapping[str, Elsewhere]) -> set[str]:
        """The tasks, of those put off, that nobody does any longer: whoever did them has ended, or is dead.

        The listener hears once for whom each of the others waits. When the bucket cannot be used any more, all are
        over: doing them says why.
        """
        try:
            free = self._lookout.free({task.key: task.record for task in put_off.values()})
        except LackError:
            return set(put_off)
        except (AmiError, *AwsError) as error:
            LOG.info("the leases were not listed: %s", error)
            free = set()
        ended = {name for name, task in put_off.items() if task.key in free}
        for name in put_off.keys() - ended:
            self._tell(name, self._lookout.known[put_off[name].key])
        return ended

    def left_undone(self, name: str) -> None:
        """Tell that a task was not done by whoever was at it, and is done here in its turn."""
        kind, image = parts_of(name)
        if run := self._told.pop(name, ""):
            done = "built" if kind == BUILD else "tested"
            message = f"not {done} by run {run} after all: it is {done} here in its turn"
            self._listener(Event(image, Stage.WAIT, message))

    def _tell(self, name: str, record: Record | None) -> None:
        if record is None or record.owner is None or self._told.get(name) == record.owner.run:
            return
        self._told[name] = record.owner.run
        kind, image = parts_of(name)
        doing = "being built" if kind == BUILD else "being tested"
        self._listener(
            Event(image, Stage.WAIT, f"{doing} by {record.owner}", seconds=record.lasted, run=record.owner.run)
        )
