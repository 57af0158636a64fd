from __future__ import annotations

import pytest
from moto.ec2.exceptions import EC2ClientError

from orchestrator.lab.ec2.architectures import check_architecture


@pytest.mark.parametrize(
    ("instance_type", "architecture"),
    [("t3.small", "x86_64"), ("t2.micro", "x86_64"), ("t4g.small", "arm64"), ("no.such", "arm64")],
)
def test_a_type_of_the_amis_architecture_is_launched(instance_type: str, architecture: str) -> None:
    check_architecture(instance_type, architecture)


@pytest.mark.parametrize(("instance_type", "architecture"), [("t3.small", "arm64"), ("t4g.small", "x86_64")])
def test_a_type_of_another_architecture_is_refused(instance_type: str, architecture: str) -> None:
    with pytest.raises(EC2ClientError) as raised:
        check_architecture(instance_type, architecture)
    assert raised.value.code == "InvalidParameterValue"
    assert f"architecture '{architecture}' of the specified AMI" in str(raised.value.message)
