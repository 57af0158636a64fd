"""EC2's DeleteImageUsageReport (EC2 API Reference)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.lab.api.aws_fault import AwsFault

if TYPE_CHECKING:
    from orchestrator.lab.asked import Asked


def answer(asked: Asked) -> dict[str, Any]:
    """Delete a report. Raises AwsFault for one that is not there; the code is not documented."""
    reports, wanted = asked.ec2().usage_reports, asked.parameters["ReportId"]
    key = next((key for key, each in reports.items() if each.report_id == wanted), None)
    if key is None:
        raise AwsFault("InvalidImageUsageReportId.NotFound", f"The report '{wanted}' does not exist")
    del reports[key]
    return {"Return": True}
