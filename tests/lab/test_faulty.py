"""An AWS that throttles, fails and has no room: images come out all the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.lab.small import NOTHING

if TYPE_CHECKING:
    from tests.lab.conftest import FaultControl
    from tests.lab.small import Small

pytestmark = pytest.mark.long(80)


@pytest.mark.timeout(3600)
@pytest.mark.thorough
def test_build_when_calls_are_throttled_and_fail(small: Small, faults: FaultControl) -> None:
    """With 30 % of all EC2 and SSM calls throttled and 5 % failing, every image is validated and nothing stays."""
    small.role("extra", "extra")
    small.image("top", "tiny", "workload: {roles: [extra]}")
    throttled = faults.set("throttle", 0.3, "ec2:*", "ssm:*", seed=3)
    failed = faults.set("error", 0.05, "ec2:*", "ssm:*", seed=4)
    small.ami("build", "--yes")
    assert faults.hits(throttled) > 20
    assert faults.hits(failed) > 0
    faults.clear()
    assert {name: one["state"] for name, one in small.listed().items()} == {"tiny": "validated", "top": "validated"}
    small.ami("sweep", "--yes")
    assert small.left_over() == NOTHING


def test_build_when_there_is_no_room_and_ids_are_not_known_at_once(small: Small, faults: FaultControl) -> None:
    """Another instance type of the environment is taken, for the build and for the tests. Eventual consistency of new
    ids, and an image that takes its time, change nothing.
    """
    variables = small.root / "packer/environments/lab.pkrvars.hcl"
    variables.write_text(variables.read_text() + 'other_instance_types = ["t3.medium"]\n')
    rule = faults.set("capacity", 0.0, "ec2:RunInstances", instance_type="t3.small")
    faults.set("consistency", 2.0, "ec2:*")
    faults.set("slow-image", 3.0, "ec2:CreateImage")
    (told,) = json.loads(small.ami("build", "--yes", "--json"))["images"]
    assert told["status"] == "validated"
    assert faults.hits(rule) >= 2
    assert small.left_over() == NOTHING
