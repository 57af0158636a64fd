"""Real agents in the machines (`ami lab up --agent FILE`): Run Command goes through them, by their own protocols.

A lab without them imports nothing of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.lab.assembly import Assembly


def install(lab: Assembly) -> None:
    """Answer Run Command's actions of the service `ssm`, and all that agents call."""
    if lab.settings.real_agent:
        # Deferred: what it needs is no part of other labs.
        from orchestrator.lab.ssm.delivery_service import service  # noqa: PLC0415

        service.install(lab)
