"""What tells of who uses an AMI."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from tests.contract.images import copied, debian, registered
from tests.contract.source import source

if TYPE_CHECKING:
    from tests.contract.conftest import Contract

API = "Amazon EC2 API Reference"
TYPES = [{"ResourceType": "ec2:Instance"}, {"ResourceType": "ec2:LaunchTemplate"}]


def report(aws: Contract, image: str, **options: object) -> str:
    ec2 = aws.client("ec2")
    made: str = ec2.create_image_usage_report(ImageId=image, ResourceTypes=TYPES, **options)["ReportId"]
    return made


@source(API, "CreateImageUsageReport; ImageUsageReport, ExpirationTime: 30 days after the report was created")
def test_a_report_is_kept_for_a_month(aws: Contract) -> None:
    image = registered(aws)
    made = report(aws, image)
    (shown,) = aws.client("ec2").describe_image_usage_reports(ReportIds=[made])["ImageUsageReports"]
    aws.client("ec2").delete_image_usage_report(ReportId=made)
    assert (shown["ExpirationTime"] - shown["CreationTime"]).days == 30
    assert shown["State"] in ("pending", "available")


@source(API, "DescribeImageUsageReports, ImageIds; DeleteImageUsageReport")
def test_a_report_can_be_deleted(aws: Contract) -> None:
    image, ec2 = registered(aws), aws.client("ec2")
    assert ec2.delete_image_usage_report(ReportId=report(aws, image))["Return"]
    assert ec2.describe_image_usage_reports(ImageIds=[image])["ImageUsageReports"] == []


@source(API, "CreateImageUsageReport, ClientToken")
def test_the_same_token_makes_one_report(aws: Contract) -> None:
    image = registered(aws)
    first, second = (report(aws, image, ClientToken=aws.name) for _ in range(2))
    aws.client("ec2").delete_image_usage_report(ReportId=first)
    assert first == second


@source("Amazon EC2 User Guide", "View your AMI usage: only the AMI owner can create a report")
def test_only_the_owner_gets_a_report(aws: Contract) -> None:
    with pytest.raises(ClientError):
        report(aws, debian(aws))


@source(API, "DescribeInstanceImageMetadata, InvalidInstanceID.NotFound")
def test_the_ami_of_an_instance_that_is_not_there_is_not_told(aws: Contract) -> None:
    with pytest.raises(ClientError, match=r"InvalidInstanceID\.NotFound"):
        aws.client("ec2").describe_instance_image_metadata(InstanceIds=["i-0123456789abcdef0"])


@source(API, "DescribeInstanceImageMetadata: even if the AMI is deregistered")
def test_the_ami_of_an_instance_is_told_when_it_is_gone(aws: Contract) -> None:
    ec2, image = aws.client("ec2"), copied(aws, debian(aws))
    made = ec2.run_instances(ImageId=image, InstanceType="t3.small", MinCount=1, MaxCount=1)["Instances"][0]
    aws.later(ec2.terminate_instances, InstanceIds=[made["InstanceId"]])
    name = ec2.describe_images(ImageIds=[image])["Images"][0]["Name"]
    ec2.deregister_image(ImageId=image)
    (shown,) = ec2.describe_instance_image_metadata(InstanceIds=[made["InstanceId"]])["InstanceImageMetadata"]
    told = shown["ImageMetadata"]
    assert (told["ImageId"], told["Name"], told["State"]) == (image, name, "deregistered")


@source(API, "GetImageAncestry: from the AMI to the root AMI")
def test_the_ancestors_of_a_copy_are_told(aws: Contract) -> None:
    image = registered(aws)
    made = copied(aws, image)
    entries = aws.client("ec2").get_image_ancestry(ImageId=made)["ImageAncestryEntries"]
    assert [each["ImageId"] for each in entries] == [made, image]


@source(
    "Amazon EC2 User Guide",
    "AMI ancestry: traces back until the root AMI; that ancestors may be gone was tried by others",
)
def test_an_ancestor_that_is_gone_stays_in_the_chain(aws: Contract) -> None:
    ec2, image = aws.client("ec2"), registered(aws)
    middle = copied(aws, image)
    last = copied(aws, middle)
    ec2.deregister_image(ImageId=middle)
    entries = ec2.get_image_ancestry(ImageId=last)["ImageAncestryEntries"]
    assert [each["ImageId"] for each in entries] == [last, middle, image]
