"""KMS: keys whose policies, grants and states count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moto.kms import urls

from orchestrator.lab.kms.acting import note
from orchestrator.lab.kms.answers import LabKmsResponse

if TYPE_CHECKING:
    from orchestrator.lab.assembly import Assembly


def install(lab: Assembly) -> None:
    """Answer for the service `kms`, and know who makes each call."""
    urls.url_paths = dict.fromkeys(urls.url_paths, LabKmsResponse.dispatch)
    lab.guards.append((0, lambda call, _body, _environ: note(call)))
