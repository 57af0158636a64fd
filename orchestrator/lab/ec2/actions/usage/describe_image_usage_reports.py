"""EC2's DescribeImageUsageReports: the reports that there are (EC2 API Reference)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.core.utils import utcnow

from orchestrator.lab.ec2.listing import matching, part

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked
    from orchestrator.lab.ec2.images.usage import UsageReport

_READERS = {
    "creation-time": lambda each: each["CreationTime"].strftime("%Y-%m-%dT%H:%M:%S.000Z"),
    "state": lambda each: each["State"],
}


def chosen(asked: Asked) -> list[UsageReport]:
    """The reports that a call names by report or AMI, all of them when it names none; none that has expired."""
    reports, images = (set(asked.parameters.get(name, [])) for name in ("ReportIds", "ImageIds"))
    return [
        each
        for each in asked.ec2().usage_reports.values()
        if each.expires > utcnow()
        and (not reports or each.report_id in reports)
        and (not images or each.image_id in images)
    ]


def answer(asked: Asked) -> dict[str, Any]:
    """One page of them. The lab's are made at once."""
    reports = [
        {
            "ReportId": each.report_id,
            "ImageId": each.image_id,
            "ResourceTypes": list(each.types),
            "AccountIds": list(each.accounts),
            "State": "available",
            "CreationTime": each.created,
            "ExpirationTime": each.expires,
            "Tags": [{"Key": key, "Value": value} for key, value in asked.ec2().tags.get(each.report_id, {}).items()],
        }
        for each in chosen(asked)
    ]
    shown, more = part(matching(reports, asked.parameters.get("Filters", []), _READERS), asked.parameters)
    return {"ImageUsageReports": shown, **more}
