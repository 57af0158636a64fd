"""What AWS tells of the way from one moment to the next."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.lab.eventbridge.sightings import SeenImage, SeenParameter, SeenSnapshot, Sighting, Sightings, events

IMAGE = SeenImage("123456789012", "us-east-1", "ami-1", "pending")
SNAPSHOT = SeenSnapshot("123456789012", "eu-west-1", "snap-1", "pending", "arn:volume", "2026-01-01T00:00:00Z")
PARAMETER = SeenParameter("123456789012", "us-east-1", "/a/b", "String", 1)


def at(*sightings: Sighting) -> Sightings:
    return {(type(each).__name__, each.account, each.region, ""): each for each in sightings}


def told(before: Sightings, now: Sightings) -> list[str]:
    """The states, results and operations of the events."""
    found = [event.detail for event in events(before, now)]
    return [str(each.get("State") or each.get("result") or each["operation"]) for each in found]


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ((), (IMAGE,), []),
        ((), (replace(IMAGE, state="available"),), ["available"]),
        ((IMAGE,), (replace(IMAGE, state="available"),), ["available"]),
        ((IMAGE,), (replace(IMAGE, state="failed"),), ["failed"]),
        ((replace(IMAGE, state="disabled"),), (replace(IMAGE, state="available"),), ["available"]),
        ((IMAGE,), (), ["deregistered"]),
        ((IMAGE,), (IMAGE,), []),
        ((IMAGE,), (replace(IMAGE, reason="x"),), []),
        ((SNAPSHOT,), (replace(SNAPSHOT, status="completed"),), ["succeeded"]),
        ((SNAPSHOT,), (replace(SNAPSHOT, status="error"),), ["failed"]),
        ((SNAPSHOT,), (), []),
        ((replace(PARAMETER, version=3),), (PARAMETER,), ["Delete"]),
        ((), (PARAMETER,), []),
        ((PARAMETER,), (replace(PARAMETER, version=2),), []),
        ((PARAMETER,), (), ["Delete"]),
        ((PARAMETER,), (replace(PARAMETER, labels=frozenset({("live", 1)})),), ["LabelParameterVersion"]),
    ],
)
def test_each_change_is_told_once(before: tuple[Sighting, ...], now: tuple[Sighting, ...], expected: list[str]) -> None:
    assert told(at(*before), at(*now)) == expected


def test_an_event_of_an_ami_has_its_shape() -> None:
    (event,) = events({}, at(replace(IMAGE, state="failed", reason="no room")))
    assert (event.source, event.kind, event.region) == ("aws.ec2", "EC2 AMI State Change", "us-east-1")
    assert event.resources == ("arn:aws:ec2:us-east-1::image/ami-1",)
    assert {"ImageId": "ami-1", "State": "failed", "ErrorMessage": "no room"}.items() <= event.detail.items()


def test_an_event_of_a_copied_snapshot_names_both() -> None:
    (event,) = events({}, at(replace(SNAPSHOT, status="completed", copied=True)))
    assert event.kind == "EBS Snapshot Notification"
    assert event.detail["event"] == "copySnapshot"
    assert (event.detail["snapshot_id"], event.detail["source"]) == (
        "arn:aws:ec2:eu-west-1::snapshot/snap-1", "arn:volume",
    )  # fmt: skip


def test_an_event_of_a_parameter_names_it() -> None:
    (event,) = events(at(replace(PARAMETER, description="x")), {})
    assert event.resources == ("arn:aws:ssm:us-east-1:123456789012:parameter/a/b",)
    assert event.detail == {"operation": "Delete", "name": "/a/b", "type": "String", "description": "x"}
