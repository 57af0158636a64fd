"""Allowed AMIs: which AMIs of others an account may find and use (EC2 User Guide, "Allowed AMIs")."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from moto.core.utils import utcnow

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.lab.ec2.ami import LabAmi, Watermark

    #: One criterion as the EC2 API Reference has it ("ImageCriterionRequest").
    Criterion = Mapping[str, Any]

DISABLED, AUDIT, ENABLED = "disabled", "audit-mode", "enabled"

#: How many criteria there can be (EC2 API Reference, "ReplaceImageCriteriaInAllowedImagesSettings").
MOST_CRITERIA = 10


@dataclass
class AllowedImages:
    """The setting of one account in one region."""

    state: str = DISABLED
    criteria: tuple[Criterion, ...] = field(default_factory=tuple)

    def lets(self, image: LabAmi, account: str) -> bool:
        """Whether the account may find and use an AMI."""
        return self.state != ENABLED or self.meets(image, account)

    def meets(self, image: LabAmi, account: str) -> bool:
        """Whether an AMI is one that the criteria allow; what the account owns always is."""
        if image.owner_id == account:
            return True
        now = utcnow()
        return any(_meets(criterion, image, now) for criterion in self.criteria)


def _meets(criterion: Criterion, image: LabAmi, now: datetime) -> bool:
    providers = criterion.get("ImageProviders")
    if providers and not {image.owner_id, image.owner_alias} & set(providers):
        return False
    names = criterion.get("ImageNames")
    if names and not any(fnmatchcase(str(image.name), name) for name in names):
        return False
    if criterion.get("MarketplaceProductCodes") and not set(criterion["MarketplaceProductCodes"]) & image.product_codes:
        return False
    age = _days(criterion, "CreationDateCondition", "MaximumDaysSinceCreated")
    if age is not None and now - image.creation_date > age:
        return False
    late = _days(criterion, "DeprecationTimeCondition", "MaximumDaysSinceDeprecated")
    if late is not None and image.deprecated_at is not None and now - image.deprecated_at > late:
        return False
    marks = criterion.get("ImageWatermarks")
    return not marks or any(_carries(wanted, mark, now) for wanted in marks for mark in image.watermarks)


def _carries(wanted: Mapping[str, Any], mark: Watermark, now: datetime) -> bool:
    if wanted.get("WatermarkKey", mark.key) != mark.key:
        return False
    if wanted.get("SourceImageRegion", mark.region) != mark.region:
        return False
    limits = {
        "MaximumDaysSinceSourceImageCreated": mark.image_created,
        "MaximumDaysSinceWatermarkCreated": mark.created,
    }
    return all(
        wanted.get(name) is None or now - since <= timedelta(days=int(wanted[name])) for name, since in limits.items()
    )


def _days(criterion: Criterion, condition: str, limit: str) -> timedelta | None:
    given = criterion.get(condition, {}).get(limit)
    return None if given is None else timedelta(days=int(given))
