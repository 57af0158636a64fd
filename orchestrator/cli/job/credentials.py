"""Why a CI job has no AWS credentials: a pull request of a fork gets none, and other jobs have to ask for them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from orchestrator.cli.ci import spoken
from orchestrator.errors import LackError

if TYPE_CHECKING:
    from orchestrator.cli.ci.service import CiService
    from orchestrator.errors import AmiError

#: The kind of error about which there is more to say in a job.
_KIND = "no-credentials"


def in_job(error: AmiError) -> AmiError:
    """The error; one about missing credentials with what this job can do about them."""
    service = spoken.service()
    if service is None or error.kind() != _KIND or not isinstance(error, LackError):
        return error
    if fork := service.fork(os.environ):
        message = f"{error.message}: {service.title} gives none to this pull request, which comes from {fork}"
        hint = "build it in the lab (ami lab up), or let a maintainer build it from a branch of this repository"
    else:
        message, hint = error.message, _how(service)
    return type(error)(message, hint=hint)


def _how(service: CiService) -> str:
    """How a job of this service gets credentials. GitHub hands out tokens where the job has the permission."""
    if service.name != "github":
        return "assume a role with the job's OIDC token: AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE"
    if "ACTIONS_ID_TOKEN_REQUEST_URL" in os.environ:
        return "the job may ask for an OIDC token, but no step before this one has assumed a role with it"
    return "give the job `permissions: id-token: write`, and let a step assume a role with its OIDC token"
