"""Accounts: who may assume which role, for how long, and with --enforce-iam who may do what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moto.s3 import models as s3
from moto.sts.responses import TokenResponse

from orchestrator.lab.door import RIGHTS
from orchestrator.lab.own_actions import add_actions
from orchestrator.lab.rights.guard import RightsGuard
from orchestrator.lab.rights.policed_bucket import PolicedBucket
from orchestrator.lab.rights.used_rights import UsedRights
from orchestrator.lab.sts import actions
from orchestrator.lab.sts.credentials import CredentialsGuard

if TYPE_CHECKING:
    from orchestrator.lab.assembly import Assembly

#: AWS asks who somebody is before it asks what they may do, and both before it looks at what they ask for.
_CREDENTIALS, _RIGHTS = 10, 20


def install(lab: Assembly) -> None:
    """Look at the credentials and rights of each call, and answer STS."""
    add_actions(TokenResponse, actions, lab.tables)
    s3.FakeBucket = PolicedBucket  # type: ignore[misc]
    lab.guards.append((_CREDENTIALS, CredentialsGuard(lab.tables)))
    used = UsedRights()
    lab.doors[RIGHTS] = used
    lab.guards.append((_RIGHTS, RightsGuard(lab.tables, used, enforced=lab.settings.enforce_iam)))
