"""Reports of which accounts use an AMI (EC2 User Guide, "View your AMI usage").

What they tell is late, as `usage_report` of the lab's times says. A report is kept for 30 days.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from moto.core.utils import utcnow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from orchestrator.lab.tables import Tables

#: How long a report is kept (EC2 API Reference, "ImageUsageReport", ExpirationTime).
KEPT = timedelta(days=30)
INSTANCE, TEMPLATE = "ec2:Instance", "ec2:LaunchTemplate"
#: The lab has no Image Builder: no recipe uses an AMI.
TYPES = (INSTANCE, TEMPLATE, "imagebuilder:ImageRecipe", "imagebuilder:ContainerRecipe")
#: How many of the latest versions of a launch template are looked at (EC2 User Guide, "View your AMI usage").
DEPTH = 20


@dataclass(frozen=True)
class UsageReport:
    """One report, with what it found."""

    report_id: str
    image_id: str
    types: tuple[Mapping[str, Any], ...]
    accounts: tuple[str, ...]
    created: datetime
    entries: tuple[tuple[str, str, int], ...] = ()
    """Account, type of resource, and how many of them use the AMI."""

    @property
    def expires(self) -> datetime:
        """When EC2 removes it."""
        return self.created + KEPT


def entries(
    tables: Tables, region: str, image_id: str, types: Sequence[Mapping[str, Any]], accounts: Sequence[str]
) -> Iterator[tuple[str, str, int]]:
    """Which accounts use an AMI now, in how many instances and launch templates."""
    late = timedelta(seconds=tables.times.usage_report)
    for backend in tables.backends():
        account = str(backend.account_id)
        if backend.region_name != region or (accounts and account not in accounts):
            continue
        for wanted in types:
            count = _count(backend, image_id, wanted, utcnow() - late)
            if count:
                yield account, str(wanted["ResourceType"]), count


def _count(backend: Any, image_id: str, wanted: Mapping[str, Any], until: datetime) -> int:
    if wanted["ResourceType"] == INSTANCE:
        running = (each for each in backend.all_instances() if each.state != "terminated")
        return sum(each.image_id == image_id and each.launch_time.replace(tzinfo=None) <= until for each in running)
    if wanted["ResourceType"] != TEMPLATE:
        return 0
    options = {each["OptionName"]: each["OptionValues"] for each in wanted.get("ResourceTypeOptions", [])}
    depth = int(options.get("version-depth", [str(DEPTH)])[0])
    return sum(
        any(version.image_id == image_id and version.create_time <= until for version in template.versions[-depth:])
        for template in backend.launch_templates.values()
    )
