"""What AWS says of the accounts of an organisation, and of roles that one has for another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from tests.contract.source import source

if TYPE_CHECKING:
    from tests.contract.conftest import Contract


@source("AWS Security Token Service API Reference", "GetCallerIdentity, Response Elements")
def test_an_assumed_role_is_in_the_account_of_the_role(aws: Contract) -> None:
    member = aws.member()
    caller = member.client("sts").get_caller_identity()
    assert caller["Account"] == member.account
    assert caller["Arn"] == f"arn:aws:sts::{member.account}:assumed-role/OrganizationAccountAccessRole/contract"


@source("AWS Organizations API Reference", "ListAccounts")
def test_members_are_listed_by_the_management_account(aws: Contract) -> None:
    pages = aws.client("organizations").get_paginator("list_accounts").paginate()
    listed = {each["Id"] for page in pages for each in page["Accounts"]}
    assert {aws.member(1).account, aws.member(2).account} < listed


@source("AWS Organizations API Reference", "DescribeOrganization, Organization")
def test_members_and_management_are_of_one_organisation(aws: Contract) -> None:
    ours = aws.client("organizations").describe_organization()["Organization"]
    theirs = aws.member().client("organizations").describe_organization()["Organization"]
    assert ours["Id"] == theirs["Id"]
    assert aws.member().account != ours["MasterAccountId"]


@source(
    "AWS Systems Manager User Guide", "AWS Systems Manager Parameter Store: parameters are of an account and Region"
)
def test_parameters_of_one_account_are_not_seen_by_another(aws: Contract) -> None:
    ssm, theirs = aws.client("ssm"), aws.member().client("ssm")
    theirs.put_parameter(Name=f"/{aws.name}", Value="1", Type="String")
    aws.later(theirs.delete_parameter, Name=f"/{aws.name}")
    with pytest.raises(ClientError, match="ParameterNotFound"):
        ssm.get_parameter(Name=f"/{aws.name}")


@source("Amazon S3 User Guide", "General purpose bucket naming rules: unique across all AWS accounts")
def test_the_name_of_a_bucket_is_taken_for_every_account(aws: Contract) -> None:
    ours, theirs = aws.client("s3"), aws.member().client("s3")
    ours.create_bucket(Bucket=aws.name)
    aws.later(ours.delete_bucket, Bucket=aws.name)
    with pytest.raises(ClientError, match="BucketAlreadyExists"):
        theirs.create_bucket(Bucket=aws.name)


@source("Amazon EC2 API Reference", "DescribeInstances: the instances that the account owns")
def test_a_machine_of_a_member_runs_and_is_seen_by_it_alone(aws: Contract) -> None:
    member = aws.member()
    ec2 = member.client("ec2")
    named = [{"Name": "name", "Values": ["debian-12-amd64-*"]}]
    images = ec2.describe_images(Owners=["136693071363"], Filters=named)["Images"]
    newest = max(images, key=lambda image: str(image["CreationDate"]))["ImageId"]
    launched = ec2.run_instances(ImageId=newest, InstanceType="t3.small", MinCount=1, MaxCount=1)
    machine = launched["Instances"][0]["InstanceId"]
    aws.later(ec2.terminate_instances, InstanceIds=[machine])
    ec2.get_waiter("instance_running").wait(InstanceIds=[machine], WaiterConfig={"Delay": 1, "MaxAttempts": 300})
    assert launched["OwnerId"] == member.account
    with pytest.raises(ClientError, match=r"InvalidInstanceID\.NotFound"):
        aws.client("ec2").describe_instances(InstanceIds=[machine])
