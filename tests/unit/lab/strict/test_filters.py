"""The filters of an action stand in AWS's description of it."""

from __future__ import annotations

import pytest
from moto.core.utils import get_service_model

from orchestrator.lab.strict.filters import asked, documented, unknown


def of(service: str, action: str) -> tuple[str, ...]:
    shape = get_service_model(service).operation_model(action).input_shape
    return documented(action, shape.members["Filters"])


@pytest.mark.parametrize(
    ("service", "action", "known"),
    [
        ("ec2", "DescribeImages", {"name", "owner-id", "tag:*", "tag-key", "source-image-id", "creation-date"}),
        ("ec2", "DescribeInstances", {"instance-state-name", "image-id", "tag:*", "network-interface.subnet-id"}),
        ("ec2", "DescribeLaunchTemplateVersions", {"image-id", "is-default-version"}),
        ("ec2", "DescribeSnapshots", {"volume-id", "status", "tag:*"}),
        ("ec2", "DescribeVolumes", {"attachment.instance-id", "tag:*"}),
        ("autoscaling", "DescribeAutoScalingGroups", {"tag-key", "tag-value", "tag:*"}),
        ("autoscaling", "DescribeTags", {"auto-scaling-group", "key", "value", "propagate-at-launch"}),
    ],
)
def test_filters_are_read_from_the_description(service: str, action: str, known: set[str]) -> None:
    assert known <= set(of(service, action))


def test_an_action_that_describes_no_filters_takes_any() -> None:
    assert of("ec2", "DescribeExportTasks") == ()


def test_the_first_filter_that_is_not_known_is_told() -> None:
    known = ("name", "tag:*")
    assert unknown(["tag:ami:layer", "name"], known) == ""
    assert unknown(["name", "nmae", "tga:x"], known) == "nmae"


def test_filters_stand_in_forms_and_in_json() -> None:
    assert asked({"Filters": {"1": {"Name": "a"}, "2": {}}}) == ("Filters", ["a", "null"])
    assert asked({"Filters": [{"Key": "InstanceIds", "Values": []}]}) == ("Filters", ["InstanceIds"])
    assert asked({"Owners": {"1": "self"}}) == ("", [])
