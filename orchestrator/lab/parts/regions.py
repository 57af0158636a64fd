"""Regions: all that AWS has exist, and a call that is signed for another one is refused as AWS refuses it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.api.call import Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.lab.api.call import Call
    from orchestrator.lab.assembly import Assembly

_REGIONS = frozenset(region.name for region in RegionsAndZonesBackend.regions) | {"aws-global"}


def check(call: Call, _body: bytes, _environ: Mapping[str, Any]) -> None:
    """Raise AwsFault for a region that does not exist (IAM User Guide, "Troubleshoot Signature Version 4 signing")."""
    if call.region in _REGIONS:
        return
    what = f"Credential should be scoped to a valid region, not '{call.region}'."
    match call.protocol:
        case Protocol.EC2:
            raise AwsFault("AuthFailure", what, 401)
        case Protocol.JSON:
            raise AwsFault("InvalidSignatureException", what)
        case Protocol.S3:
            raise AwsFault("AuthorizationHeaderMalformed", what)
        case Protocol.QUERY:
            raise AwsFault("SignatureDoesNotMatch", what, 403)


def install(lab: Assembly) -> None:
    """Look at the region of each call."""
    lab.guards.append((1, check))
