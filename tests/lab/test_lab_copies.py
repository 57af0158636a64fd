"""Copies of AMIs that hang and fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.conftest import FaultControl

#: Where no other test copies.
HERE = "eu-north-1"


def copy(ec2: Any, ami_id: str, name: str) -> str:
    return str(ec2.copy_image(SourceImageId=ami_id, SourceRegion="us-east-1", Name=name)["ImageId"])


def test_twenty_copies_at_a_time_into_a_region(client: Callable[..., Any], debian: str, faults: FaultControl) -> None:
    """The next one is refused until one of them is gone, and elsewhere there is room."""
    ec2 = client("ec2", HERE)
    faults.set("copy-hangs")
    made = [copy(ec2, debian, f"hangs-{number}") for number in range(20)]
    assert {image["State"] for image in ec2.describe_images(ImageIds=made)["Images"]} == {"pending"}
    with pytest.raises(ClientError, match="ResourceLimitExceeded"):
        copy(ec2, debian, "one-more")
    elsewhere = client("ec2", "eu-west-2")
    elsewhere.deregister_image(ImageId=copy(elsewhere, debian, "elsewhere"), DeleteAssociatedSnapshots=True)
    for ami_id in made:
        ec2.deregister_image(ImageId=ami_id, DeleteAssociatedSnapshots=True)
    ec2.deregister_image(ImageId=copy(ec2, debian, "one-more"), DeleteAssociatedSnapshots=True)


def test_a_copy_that_fails_says_why(client: Callable[..., Any], debian: str, faults: FaultControl) -> None:
    ec2 = client("ec2", HERE)
    faults.set("copy-fails")
    ami_id = copy(ec2, debian, "fails")
    (image,) = ec2.describe_images(ImageIds=[ami_id])["Images"]
    assert (image["State"], image["StateReason"]["Code"]) == ("failed", "Server.InternalError")
    ec2.deregister_image(ImageId=ami_id, DeleteAssociatedSnapshots=True)
