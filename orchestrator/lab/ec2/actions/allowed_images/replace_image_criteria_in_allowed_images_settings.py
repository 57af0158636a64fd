"""EC2's ReplaceImageCriteriaInAllowedImagesSettings (EC2 API Reference; EC2 User Guide, "Allowed AMIs")."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.ec2.images.allowed import MOST_CRITERIA

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.lab.asked import Asked

_PROVIDER = re.compile(r"\d{12}|amazon|aws-marketplace|aws-backup-vault|none")
#: How many values one criterion can have of each.
_MOST = {"ImageProviders": 200, "ImageNames": 50, "MarketplaceProductCodes": 50, "ImageWatermarks": 50}


def answer(asked: Asked) -> dict[str, Any]:
    """Set the criteria, all of them. Raises AwsFault for too many, and for a provider that is none."""
    criteria = list(asked.parameters.get("ImageCriteria", []))
    if len(criteria) > MOST_CRITERIA:
        raise AwsFault("InvalidParameterValue", f"At most {MOST_CRITERIA} image criteria can be given.")
    for criterion in criteria:
        _check(criterion)
    asked.ec2().allowed.criteria = tuple(criteria)
    return {"ReturnValue": True}


def _check(criterion: Mapping[str, Any]) -> None:
    if "ScanResultCondition" in criterion:
        raise AwsFault("UnsupportedOperation", "The lab has no Amazon Inspector, and no scan results.")
    for name, most in _MOST.items():
        if len(criterion.get(name, [])) > most:
            raise AwsFault("InvalidParameterValue", f"At most {most} values can be given for {name}.")
    for provider in criterion.get("ImageProviders", []):
        if not _PROVIDER.fullmatch(provider):
            raise AwsFault("InvalidParameterValue", f"Value ({provider}) for parameter ImageProvider is invalid.")
