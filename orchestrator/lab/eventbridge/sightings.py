"""What EC2 and Parameter Store tell of when it changes, and the events of a change: values and pure functions.

Shapes: Amazon EC2 User Guide, "Monitor AMI events using Amazon EventBridge"; Amazon EBS User Guide, "EventBridge events
for Amazon EBS"; AWS Systems Manager User Guide, "Amazon EventBridge event examples for Systems Manager".
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.lab.api.events import AwsEvent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: States of an AMI that EC2 tells of; the one of an AMI that is gone besides.
_TOLD = ("available", "failed", "disabled")
#: EBS tells of a snapshot when it is done.
_RESULTS = {"completed": "succeeded", "error": "failed"}


@dataclass(frozen=True)
class SeenImage:
    """An AMI at one moment."""

    account: str
    region: str
    image_id: str
    state: str
    reason: str = ""
    """Why it failed."""

    def appeared(self) -> Iterator[AwsEvent]:
        """Of one that was not there before."""
        if self.state in _TOLD:
            yield self._event(self.state)

    def changed(self, before: SeenImage) -> Iterator[AwsEvent]:
        """Of one that was otherwise before."""
        if self.state != before.state:
            yield from self.appeared()

    def gone(self) -> Iterator[AwsEvent]:
        """Of one that is not there any more."""
        yield self._event("deregistered")

    def _event(self, state: str) -> AwsEvent:
        detail = {
            "RequestId": str(uuid.uuid4()),
            "ImageId": self.image_id,
            "State": state,
            "ErrorMessage": self.reason if state == "failed" else "",
        }
        arn = f"arn:aws:ec2:{self.region}::image/{self.image_id}"
        return AwsEvent("aws.ec2", "EC2 AMI State Change", self.account, self.region, detail, (arn,))


@dataclass(frozen=True)
class SeenSnapshot:
    """A snapshot at one moment."""

    account: str
    region: str
    snapshot_id: str
    status: str
    source: str
    """The ARN of the volume, or of the snapshot that was copied."""
    started: str
    ended: str = ""
    copied: bool = False

    def appeared(self) -> Iterator[AwsEvent]:
        """Of one that was not there before."""
        if self.status in _RESULTS:
            yield self._event()

    def changed(self, before: SeenSnapshot) -> Iterator[AwsEvent]:
        """Of one that was otherwise before."""
        if self.status != before.status:
            yield from self.appeared()

    def gone(self) -> Iterator[AwsEvent]:
        """EBS tells of no snapshot that goes."""
        yield from ()

    def _event(self) -> AwsEvent:
        arn = f"arn:aws:ec2:{self.region}::snapshot/{self.snapshot_id}"
        detail = {
            "event": "copySnapshot" if self.copied else "createSnapshot",
            "result": _RESULTS[self.status],
            "cause": "",
            "request-id": "",
            "snapshot_id": arn,
            "source": self.source,
            "startTime": self.started,
            "endTime": self.ended,
        }
        return AwsEvent("aws.ec2", "EBS Snapshot Notification", self.account, self.region, detail, (arn,))


@dataclass(frozen=True)
class SeenParameter:
    """A parameter at one moment."""

    account: str
    region: str
    name: str
    kind: str
    """`String`."""
    version: int
    description: str = ""
    labels: frozenset[tuple[str, int]] = frozenset()
    """Each label with its version."""

    def appeared(self) -> Iterator[AwsEvent]:
        """PutParameter tells of what it writes."""
        yield from ()

    def changed(self, before: SeenParameter) -> Iterator[AwsEvent]:
        """Of one that was otherwise before; of one that was deleted and made again meanwhile, too."""
        if self.version < before.version:
            yield from before.gone()
        elif self.labels - before.labels:
            yield self._event("LabelParameterVersion")

    def gone(self) -> Iterator[AwsEvent]:
        """Of one that is not there any more."""
        yield self._event("Delete")

    def _event(self, operation: str) -> AwsEvent:
        detail = {"operation": operation, "name": self.name, "type": self.kind}
        if self.description:
            detail["description"] = self.description
        arn = f"arn:aws:ssm:{self.region}:{self.account}:parameter/{self.name.lstrip('/')}"
        return AwsEvent("aws.ssm", "Parameter Store Change", self.account, self.region, detail, (arn,))


Sighting = SeenImage | SeenSnapshot | SeenParameter
#: By kind, account, region and name.
Sightings = dict[tuple[str, str, str, str], Sighting]


def events(before: Mapping[tuple[str, str, str, str], Sighting], now: Sightings) -> Iterator[AwsEvent]:
    """What AWS tells of the way from one moment to the next."""
    for key, sighting in now.items():
        earlier = before.get(key)
        if earlier is None:
            yield from sighting.appeared()
        elif earlier != sighting:
            yield from sighting.changed(earlier)  # type: ignore[arg-type] # both have the kind of their key
    for key, earlier in before.items():
        if key not in now:
            yield from earlier.gone()
