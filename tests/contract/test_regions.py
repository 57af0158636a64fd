"""Regions are apart from each other, and there are no others than AWS's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.sending import refused
from tests.contract.source import source

if TYPE_CHECKING:
    from tests.contract.conftest import Contract

REGIONS = ("us-east-1", "us-west-2", "eu-west-1")


@source("AWS Regions and Availability Zones", "AWS Regions")
def test_the_regions_that_need_no_opt_in_are_listed(aws: Contract) -> None:
    listed = {each["RegionName"] for each in aws.client("ec2").describe_regions()["Regions"]}
    assert set(REGIONS) <= listed


@source("AWS Systems Manager API Reference", "PutParameter, Name: a parameter name must be unique within a Region")
def test_a_parameter_is_of_its_region_alone(aws: Contract) -> None:
    for number, region in enumerate(REGIONS):
        ssm = aws.client("ssm", region)
        ssm.put_parameter(Name=f"/{aws.name}", Value=str(number), Type="String")
        aws.later(ssm.delete_parameter, Name=f"/{aws.name}")
    values = [aws.client("ssm", each).get_parameter(Name=f"/{aws.name}")["Parameter"]["Value"] for each in REGIONS]
    assert values == ["0", "1", "2"]


@source("Amazon EC2 User Guide", "Regions and Zones: resources aren't replicated across Regions")
def test_a_key_pair_is_of_its_region_alone(aws: Contract) -> None:
    here, there = aws.client("ec2"), aws.client("ec2", "eu-west-1")
    here.create_key_pair(KeyName=aws.name)
    aws.later(here.delete_key_pair, KeyName=aws.name)
    assert refused(there.describe_key_pairs, KeyNames=[aws.name])[0] == "InvalidKeyPair.NotFound"


@source(
    "Amazon EventBridge User Guide", "Event buses in Amazon EventBridge: events of the account and Region of the bus"
)
def test_a_rule_is_of_its_region_alone(aws: Contract) -> None:
    here, there = aws.client("events"), aws.client("events", "eu-west-1")
    here.put_rule(Name=aws.name, EventPattern='{"source": ["contract"]}')
    aws.later(here.delete_rule, Name=aws.name)
    assert refused(there.describe_rule, Name=aws.name)[0] == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("service", "action", "code"),
    [
        ("ec2", "describe_regions", "AuthFailure"),
        ("ssm", "describe_parameters", "InvalidSignatureException"),
        ("sts", "get_caller_identity", "SignatureDoesNotMatch"),
    ],
)
@source("AWS Identity and Access Management User Guide", "Troubleshoot Signature Version 4 signing, Credential scope")
def test_a_call_is_signed_for_a_region_that_exists(aws: Contract, service: str, action: str, code: str) -> None:
    if aws.endpoint is None:
        pytest.skip("the name of such an endpoint leads nowhere")
    assert refused(getattr(aws.client(service, "us-east-9"), action))[0] == code
