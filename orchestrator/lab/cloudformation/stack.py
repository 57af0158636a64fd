"""Stacks and change sets as the lab keeps them, and as CloudFormation describes them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrator.lab.cloudformation.intrinsics import Made
    from orchestrator.lab.cloudformation.template_file import StackTemplate

GONE = "DELETE_COMPLETE"
BEGUN = "REVIEW_IN_PROGRESS"


@dataclass
class StackResource:
    """A resource of a stack that is there."""

    type: str
    made: Made
    properties: Mapping[str, Any]
    """As it was made with, all functions evaluated."""
    written: Mapping[str, Any]
    """With names in the place of what other resources give: two templates are compared by these."""
    deletion: str = "Delete"
    status: str = "CREATE_COMPLETE"
    changed: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True)
class StackEvent:
    """Something that happened to a stack or to one of its resources."""

    logical: str
    physical: str
    type: str
    status: str
    reason: str = ""
    moment: datetime = field(default_factory=lambda: datetime.now(UTC))
    identifier: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(frozen=True)
class StackDiff:
    """One resource that differs between a stack and a template."""

    action: str
    """`Add`, `Modify` or `Remove`."""
    logical: str
    type: str
    replaced: bool = False
    physical: str = ""
    details: tuple[str, ...] = ()
    """The properties that differ."""

    def shown(self) -> dict[str, Any]:
        """As DescribeChangeSet tells it."""
        told: dict[str, Any] = {"Action": self.action, "LogicalResourceId": self.logical, "ResourceType": self.type}
        if self.physical:
            told["PhysicalResourceId"] = self.physical
        if self.action == "Modify":
            told["Replacement"] = "True" if self.replaced else "False"
            told["Scope"] = ["Properties"]
            told["Details"] = [{"Target": {"Attribute": "Properties", "Name": each}} for each in self.details]
        return {"Type": "Resource", "ResourceChange": told}


@dataclass
class ChangeSet:
    """A template that a stack may get."""

    arn: str
    name: str
    template: StackTemplate
    parameters: Mapping[str, str]
    capabilities: Sequence[str]
    kind: str
    """`CREATE` or `UPDATE`."""
    diffs: tuple[StackDiff, ...]
    description: str = ""
    reason: str = ""
    """Why it failed."""
    executed: bool = False
    created: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass
class Stack:
    """One stack of an account and region."""

    arn: str
    name: str
    status: str = BEGUN
    reason: str = ""
    template: StackTemplate | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    capabilities: Sequence[str] = ()
    tags: Sequence[Mapping[str, str]] = ()
    resources: dict[str, StackResource] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    events: list[StackEvent] = field(default_factory=list)
    change_sets: dict[str, ChangeSet] = field(default_factory=dict)
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    changed: datetime | None = None

    @property
    def busy(self) -> bool:
        """Whether it is being changed."""
        return self.status.endswith("_IN_PROGRESS") and self.status != BEGUN

    def become(self, status: str, reason: str = "") -> None:
        """Be in another state, with an event that says so."""
        self.status, self.reason = status, reason
        self.events.append(StackEvent(self.name, self.arn, "AWS::CloudFormation::Stack", status, reason))

    def shown(self) -> dict[str, Any]:
        """As DescribeStacks tells it."""
        told: dict[str, Any] = {
            "StackId": self.arn,
            "StackName": self.name,
            "StackStatus": self.status,
            "CreationTime": self.created,
            "Capabilities": list(self.capabilities),
            "Tags": list(self.tags),
            "DisableRollback": False,
            "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in self.parameters.items()],
            "Outputs": [self._output(name, value) for name, value in self.outputs.items()],
        }
        if self.template is not None and self.template.description:
            told["Description"] = self.template.description
        if self.changed is not None:
            told["LastUpdatedTime"] = self.changed
        return told | ({"StackStatusReason": self.reason} if self.reason else {})

    def _output(self, name: str, value: str) -> dict[str, str]:
        written = self.template.outputs.get(name, {}) if self.template is not None else {}
        about = {"Description": str(written["Description"])} if "Description" in written else {}
        return {"OutputKey": name, "OutputValue": value, **about}

    def shown_resource(self, logical: str) -> dict[str, Any]:
        """As DescribeStackResources tells one."""
        resource = self.resources[logical]
        return {
            "StackName": self.name,
            "StackId": self.arn,
            "LogicalResourceId": logical,
            "PhysicalResourceId": resource.made.physical,
            "ResourceType": resource.type,
            "ResourceStatus": resource.status,
            "Timestamp": resource.changed,
            "LastUpdatedTimestamp": resource.changed,
        }

    def shown_events(self) -> list[dict[str, Any]]:
        """As DescribeStackEvents tells them, the newest first."""
        return [
            {
                "StackId": self.arn,
                "StackName": self.name,
                "EventId": each.identifier,
                "LogicalResourceId": each.logical,
                "PhysicalResourceId": each.physical,
                "ResourceType": each.type,
                "ResourceStatus": each.status,
                "Timestamp": each.moment,
                **({"ResourceStatusReason": each.reason} if each.reason else {}),
            }
            for each in reversed(self.events)
        ]
