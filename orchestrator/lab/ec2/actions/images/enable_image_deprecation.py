"""EC2's EnableImageDeprecation: from a date on, only its owner finds the AMI (EC2 User Guide, "Deprecate an AMI")."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from moto.core.utils import utcnow

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.ec2.images.owned_image import owned

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked

#: How far ahead the date may be, and how long after its creation that of a public AMI.
_LONGEST, _PUBLIC = timedelta(days=3_653), timedelta(days=731)
_MINUTE = timedelta(minutes=1)


def answer(asked: Asked) -> dict[str, Any]:
    """Set the date, rounded to the minute. Raises AwsFault for one in the past or too far ahead."""
    image, now = owned(asked), utcnow()
    given = asked.parameters["DeprecateAt"]
    moment = given if isinstance(given, datetime) else datetime.fromisoformat(str(given))
    moment = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    latest = image.creation_date + _PUBLIC if image.is_public else now + _LONGEST
    if not now - _MINUTE <= moment <= latest:
        raise AwsFault("InvalidParameterValue", f"Value ({moment.isoformat()}) for parameter DeprecateAt is invalid.")
    image.deprecated_at = (moment + _MINUTE / 2).replace(second=0, microsecond=0)
    return {"Return": True}
