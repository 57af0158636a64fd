"""Scaling activities: what a group did, why, and what came of it (Auto Scaling API Reference, "Activity")."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

#: Characters of a message (API Reference, "Activity", StatusMessage).
_LONGEST = 255


@dataclass
class ScalingActivity:
    """One activity. It is in progress until it ends."""

    group: str
    description: str
    cause: str
    activity_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    start_time: datetime = field(default_factory=lambda: datetime.now(UTC))
    end_time: datetime | None = None
    status: str = "InProgress"
    message: str = ""
    progress: int = 50
    details: str = "{}"

    def end(self, status: str, message: str = "") -> None:
        """Say what came of it: `Successful`, `Failed` or `Cancelled`."""
        self.status, self.message, self.progress = status, message[:_LONGEST], 100
        self.end_time = datetime.now(UTC)

    def shown(self) -> dict[str, Any]:
        """As the API writes it."""
        told = {
            "ActivityId": self.activity_id,
            "AutoScalingGroupName": self.group,
            "Description": self.description,
            "Cause": self.cause,
            "StartTime": self.start_time,
            "StatusCode": self.status,
            "Progress": self.progress,
            "Details": self.details,
        }
        if self.end_time is not None:
            told["EndTime"] = self.end_time
        if self.message:
            told["StatusMessage"] = self.message
        return told


def at(when: datetime | None = None) -> str:
    """A moment as causes tell it: `2026-11-27T21:00:00Z`."""
    return f"{when or datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
