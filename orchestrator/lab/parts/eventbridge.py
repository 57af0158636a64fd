"""EventBridge: what EC2, EBS, Systems Manager and others tell of reaches the rules of an account."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from orchestrator.lab.eventbridge.watch import EVERY, TableWatch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.lab.api.call import Call
    from orchestrator.lab.api.events import AwsEvent
    from orchestrator.lab.assembly import Assembly

_BUS = "orchestrator.lab.eventbridge.bus"


def install(lab: Assembly) -> None:
    """TableWatch the tables and send events on, once somebody has asked EventBridge for anything."""
    watch = TableWatch(lab.tables, lab.events)

    def prepare(call: Call, _body: bytes, _environ: Mapping[str, Any]) -> None:
        if call.service == "events":
            _prepare()
            watch.begin()

    lab.guards.append((0, prepare))
    lab.events.listen(lambda event: _deliver(lab, event))
    lab.every(EVERY, watch.look)


def _prepare() -> None:
    if _BUS not in sys.modules:
        # Deferred: moto's EventBridge takes long to import, and few labs need it.
        from orchestrator.lab.eventbridge import bus  # noqa: PLC0415

        bus.install()


def _deliver(lab: Assembly, event: AwsEvent) -> None:
    bus = sys.modules.get(_BUS)
    if bus is not None:
        with lab.tables.lock:
            bus.deliver(event)
