"""A region that AWS does not have is refused in the words of each protocol."""

from __future__ import annotations

import pytest

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.api.call import Call, Protocol
from orchestrator.lab.parts.regions import check


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "ap-southeast-4", "aws-global"])
def test_a_region_of_aws_is_known(region: str) -> None:
    check(Call("ec2", region, "DescribeVpcs", Protocol.EC2), b"", {})


@pytest.mark.parametrize(
    ("protocol", "code"),
    [
        (Protocol.EC2, "AuthFailure"),
        (Protocol.JSON, "InvalidSignatureException"),
        (Protocol.QUERY, "SignatureDoesNotMatch"),
        (Protocol.S3, "AuthorizationHeaderMalformed"),
    ],
)
def test_another_one_is_refused_with_its_name(protocol: Protocol, code: str) -> None:
    with pytest.raises(AwsFault, match="us-east-9") as refused:
        check(Call("x", "us-east-9", "Do", protocol), b"", {})
    assert refused.value.code == code
