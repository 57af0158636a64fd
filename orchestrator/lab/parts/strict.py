"""Bad input: every call is held against the model of its service, and against what the lab honours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.lab.strict.guard import StrictGuard

if TYPE_CHECKING:
    from orchestrator.lab.assembly import Assembly

#: After who it is that calls, before what they may do: that takes a call that can be read.
_ORDER = 15


def install(lab: Assembly) -> None:
    """Look at each call before it is answered."""
    lab.guards.append((_ORDER, StrictGuard(lab.handlers, lab.unpublished, lenient=lab.settings.lenient)))
