"""EC2's DescribeImageUsageReportEntries: what the reports found (EC2 API Reference)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.lab.ec2.actions.usage.describe_image_usage_reports import chosen
from orchestrator.lab.ec2.listing import matching, part

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked

_READERS = {
    "account-id": lambda each: each["AccountId"],
    "creation-time": lambda each: each["ReportCreationTime"].strftime("%Y-%m-%dT%H:%M:%S.000Z"),
    "resource-type": lambda each: each["ResourceType"],
}


def answer(asked: Asked) -> dict[str, Any]:
    """One page: an entry for each report, account and type of resource, without the ids of resources."""
    entries = [
        {
            "ReportId": report.report_id,
            "ImageId": report.image_id,
            "AccountId": account,
            "ResourceType": kind,
            "UsageCount": count,
            "ReportCreationTime": report.created,
        }
        for report in chosen(asked)
        for account, kind, count in report.entries
    ]
    wanted = {"ReportIds": "ReportId", "ImageIds": "ImageId"}
    kept = [
        each
        for each in entries
        if all(not asked.parameters.get(name) or each[key] in asked.parameters[name] for name, key in wanted.items())
    ]
    shown, more = part(matching(kept, asked.parameters.get("Filters", []), _READERS), asked.parameters)
    return {"ImageUsageReportEntries": shown, **more}
