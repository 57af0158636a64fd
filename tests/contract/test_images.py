"""What EC2 says of AMIs and their snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from tests.contract.source import source

if TYPE_CHECKING:
    from tests.contract.conftest import Contract


@source("Amazon EC2 API Reference", "Error codes, InvalidAMIID.NotFound")
def test_an_ami_that_is_not_there_is_refused_by_its_id(aws: Contract) -> None:
    with pytest.raises(ClientError, match=r"InvalidAMIID\.NotFound"):
        aws.client("ec2").describe_images(ImageIds=["ami-0123456789abcdef0"])
