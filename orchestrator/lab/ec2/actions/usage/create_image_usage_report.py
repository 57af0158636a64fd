"""EC2's CreateImageUsageReport: which accounts use an AMI of one's own (EC2 User Guide, "View your AMI usage")."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from moto.core.utils import utcnow

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.ec2.images.owned_image import owned
from orchestrator.lab.ec2.images.usage import TYPES, UsageReport, entries

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked

_ACCOUNTS = 200


def answer(asked: Asked) -> dict[str, Any]:
    """Make a report. Raises AwsFault for an AMI of others, an unknown type, and too many accounts."""
    image, given, tables = owned(asked), asked.parameters, asked.ec2()
    types, accounts = tuple(given["ResourceTypes"]), tuple(given.get("AccountIds", []))
    unknown = sorted({str(each["ResourceType"]) for each in types} - set(TYPES))
    if unknown:
        raise AwsFault("InvalidParameterValue", f"Invalid resource type: {', '.join(unknown)}")
    if len(accounts) > _ACCOUNTS:
        raise AwsFault("InvalidParameterValue", f"At most {_ACCOUNTS} account ids can be given.")
    token = given.get("ClientToken")
    known = next((each for key, each in tables.usage_reports.items() if token and key == token), None)
    if known is not None:
        return {"ReportId": known.report_id}
    found = tuple(entries(asked.tables, asked.region, image.id, types, accounts))
    report = UsageReport(f"amiur-{secrets.token_hex(9)[:17]}", image.id, types, accounts, utcnow(), found)
    tables.usage_reports[token or report.report_id] = report
    for each in given.get("TagSpecifications", []):
        tables.tags[report.report_id] = {tag["Key"]: tag.get("Value", "") for tag in each["Tags"]}
    return {"ReportId": report.report_id}
