"""CloudFormation: stacks whose resources the lab makes by its own API, as whoever asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.lab.cloudformation.api import CloudFormationApi
from orchestrator.lab.cloudformation.callers_client import clients

if TYPE_CHECKING:
    from orchestrator.lab.assembly import Assembly


def install(lab: Assembly) -> None:
    """Answer for the service `cloudformation`."""
    lab.handlers["cloudformation"] = CloudFormationApi(clients(lab.settings.endpoint), lab.tables.times.stack_resource)
