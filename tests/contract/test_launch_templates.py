"""What EC2 says of launch templates and their versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.source import source

if TYPE_CHECKING:
    from tests.contract.conftest import Contract

API = "Amazon EC2 API Reference"
GUIDE = "Amazon EC2 User Guide"
IMAGE = "ami-0123456789abcdef0"


def template(aws: Contract, **data: Any) -> dict[str, Any]:
    """A launch template with this data, and what names it in a call."""
    ec2 = aws.client("ec2")
    given = data or {"ImageId": IMAGE, "InstanceType": "t3.small"}
    ec2.create_launch_template(LaunchTemplateName=aws.name, LaunchTemplateData=given)
    aws.later(ec2.delete_launch_template, LaunchTemplateName=aws.name)
    return {"LaunchTemplateName": aws.name}


def versions(aws: Contract, **asked: Any) -> list[dict[str, Any]]:
    answer = aws.client("ec2").describe_launch_template_versions(**asked)
    return list(answer["LaunchTemplateVersions"])


def numbers(aws: Contract, **asked: Any) -> list[int]:
    return sorted(each["VersionNumber"] for each in versions(aws, **asked))


@source(API, "CreateLaunchTemplateVersion, SourceVersion")
def test_a_version_inherits_what_it_does_not_change_from_its_source(aws: Contract) -> None:
    named = template(aws, ImageId=IMAGE, InstanceType="t3.small", KeyName="one")
    made = aws.client("ec2").create_launch_template_version(
        **named, SourceVersion="1", LaunchTemplateData={"ImageId": "ami-00000000000000001"}
    )["LaunchTemplateVersion"]["LaunchTemplateData"]
    assert made == {"ImageId": "ami-00000000000000001", "InstanceType": "t3.small", "KeyName": "one"}


@source(API, "CreateLaunchTemplateVersion, SourceVersion")
def test_a_version_without_a_source_has_only_its_own_data(aws: Contract) -> None:
    named = template(aws)
    made = aws.client("ec2").create_launch_template_version(**named, LaunchTemplateData={"KeyName": "one"})
    assert made["LaunchTemplateVersion"]["LaunchTemplateData"] == {"KeyName": "one"}


@source(API, "CreateLaunchTemplateVersion, SourceVersion: snapshots are ignored unless they are explicitly included")
def test_snapshots_are_not_inherited(aws: Contract) -> None:
    mapping = {"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": "snap-0123456789abcdef0", "VolumeSize": 9}}
    named = template(aws, BlockDeviceMappings=[mapping])
    made = aws.client("ec2").create_launch_template_version(
        **named, SourceVersion="1", LaunchTemplateData={"KeyName": "one"}
    )["LaunchTemplateVersion"]["LaunchTemplateData"]
    assert made["BlockDeviceMappings"] == [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 9}}]


@source(API, "CreateLaunchTemplateVersion, Error codes: InvalidLaunchTemplateId.VersionNotFound")
def test_a_source_that_is_not_there_is_refused(aws: Contract) -> None:
    named = template(aws)
    with pytest.raises(ClientError, match=r"InvalidLaunchTemplateId\.VersionNotFound"):
        aws.client("ec2").create_launch_template_version(
            **named, SourceVersion="7", LaunchTemplateData={"KeyName": "one"}
        )


@source(API, "CreateLaunchTemplateVersion, ClientToken; Ensuring idempotency")
def test_a_version_is_made_once_for_each_client_token(aws: Contract) -> None:
    ec2, named = aws.client("ec2"), template(aws)
    asked = {**named, "ClientToken": aws.name, "LaunchTemplateData": {"KeyName": "one"}}
    made = [ec2.create_launch_template_version(**asked)["LaunchTemplateVersion"]["VersionNumber"] for _ in range(2)]
    assert (made, numbers(aws, **named)) == ([2, 2], [1, 2])


@source(API, "Ensuring idempotency, IdempotentParameterMismatch")
def test_a_client_token_with_other_parameters_is_refused(aws: Contract) -> None:
    ec2, named = aws.client("ec2"), template(aws)
    ec2.create_launch_template_version(**named, ClientToken=aws.name, LaunchTemplateData={"KeyName": "one"})
    with pytest.raises(ClientError, match="IdempotentParameterMismatch"):
        ec2.create_launch_template_version(**named, ClientToken=aws.name, LaunchTemplateData={"KeyName": "two"})


@source(API, "CreateLaunchTemplate, ClientToken; Ensuring idempotency")
def test_a_template_is_made_once_for_each_client_token(aws: Contract) -> None:
    ec2 = aws.client("ec2")
    asked = {"LaunchTemplateName": aws.name, "LaunchTemplateData": {"KeyName": "one"}, "ClientToken": aws.name}
    made = [ec2.create_launch_template(**asked)["LaunchTemplate"]["LaunchTemplateId"] for _ in range(2)]
    aws.later(ec2.delete_launch_template, LaunchTemplateName=aws.name)
    assert made[0] == made[1]


@source(API, "Error codes, InvalidLaunchTemplateName.AlreadyExistsException")
def test_a_name_is_given_once(aws: Contract) -> None:
    named = template(aws)
    with pytest.raises(ClientError, match=r"InvalidLaunchTemplateName\.AlreadyExistsException"):
        aws.client("ec2").create_launch_template(**named, LaunchTemplateData={"KeyName": "one"})


@source(API, "Error codes, InvalidLaunchTemplateName.MalformedException")
def test_a_name_with_a_space_is_refused(aws: Contract) -> None:
    with pytest.raises(ClientError, match=r"InvalidLaunchTemplateName\.Malformed"):
        aws.client("ec2").create_launch_template(LaunchTemplateName="a name", LaunchTemplateData={"KeyName": "one"})


@source(GUIDE, "Restrictions for Amazon EC2 launch templates: parameters are not fully validated")
def test_an_ami_that_is_not_there_is_not_refused_when_a_template_is_made(aws: Contract) -> None:
    named = template(aws, ImageId=IMAGE)
    assert [each["LaunchTemplateData"]["ImageId"] for each in versions(aws, **named)] == [IMAGE]


@source(API, "ModifyLaunchTemplate, SetDefaultVersion")
def test_a_new_version_is_not_the_default_until_it_is_made_so(aws: Contract) -> None:
    ec2, named = aws.client("ec2"), template(aws)
    ec2.create_launch_template_version(**named, LaunchTemplateData={"KeyName": "one"})
    before = numbers(aws, **named, Versions=["$Default"])
    ec2.modify_launch_template(**named, DefaultVersion="2")
    assert (before, numbers(aws, **named, Versions=["$Default"])) == ([1], [2])


@source(API, "Error codes, InvalidLaunchTemplateId.VersionNotFound")
def test_a_version_that_is_not_there_cannot_be_the_default(aws: Contract) -> None:
    named = template(aws)
    with pytest.raises(ClientError, match=r"InvalidLaunchTemplateId\.VersionNotFound"):
        aws.client("ec2").modify_launch_template(**named, DefaultVersion="2")


@source(API, "DescribeLaunchTemplateVersions, Versions")
def test_latest_and_default_are_versions(aws: Contract) -> None:
    named = template(aws)
    aws.client("ec2").create_launch_template_version(**named, LaunchTemplateData={"KeyName": "one"})
    assert numbers(aws, **named, Versions=["$Latest", "$Default"]) == [1, 2]


@source(API, "DescribeLaunchTemplateVersions, Versions: numbers only with a launch template")
def test_a_number_without_a_template_is_refused(aws: Contract) -> None:
    with pytest.raises(ClientError, match="InvalidParameterValue"):
        versions(aws, Versions=["1"])


@source(API, "DescribeLaunchTemplateVersions, MinVersion and MaxVersion")
def test_versions_are_listed_between_two_numbers(aws: Contract) -> None:
    named = template(aws)
    for name in ("one", "two", "three"):
        aws.client("ec2").create_launch_template_version(**named, LaunchTemplateData={"KeyName": name})
    assert numbers(aws, **named, MinVersion="2", MaxVersion="3") == [2, 3]


@source(API, "DescribeLaunchTemplateVersions, Filters: image-id")
def test_versions_are_found_by_their_ami(aws: Contract) -> None:
    named = template(aws)
    aws.client("ec2").create_launch_template_version(**named, LaunchTemplateData={"ImageId": "ami-00000000000000001"})
    assert numbers(aws, **named, Filters=[{"Name": "image-id", "Values": [IMAGE]}]) == [1]


@source(API, "DescribeLaunchTemplateVersions, Filters: instance-type, is-default-version")
def test_filters_must_all_match(aws: Contract) -> None:
    named = template(aws)
    aws.client("ec2").create_launch_template_version(**named, LaunchTemplateData={"InstanceType": "t3.small"})
    small = {"Name": "instance-type", "Values": ["t3.*"]}
    default = {"Name": "is-default-version", "Values": ["true"]}
    assert numbers(aws, **named, Filters=[small]) == [1, 2]
    assert numbers(aws, **named, Filters=[small, default]) == [1]


@source(API, "DescribeLaunchTemplateVersions, MaxResults and NextToken")
def test_versions_come_in_pages(aws: Contract) -> None:
    named = template(aws)
    for name in ("one", "two"):
        aws.client("ec2").create_launch_template_version(**named, LaunchTemplateData={"KeyName": name})
    pages = aws.client("ec2").get_paginator("describe_launch_template_versions")
    listed = [len(page["LaunchTemplateVersions"]) for page in pages.paginate(**named, MaxResults=2)]
    assert listed == [2, 1]


@source(API, "DescribeLaunchTemplates, Filters: launch-template-name, tag:<key>")
def test_templates_are_found_by_name_and_tag(aws: Contract) -> None:
    ec2 = aws.client("ec2")
    tags = [{"ResourceType": "launch-template", "Tags": [{"Key": "owner", "Value": aws.name}]}]
    ec2.create_launch_template(
        LaunchTemplateName=aws.name, LaunchTemplateData={"KeyName": "one"}, TagSpecifications=tags
    )
    aws.later(ec2.delete_launch_template, LaunchTemplateName=aws.name)
    for name in ("launch-template-name", "tag:owner"):
        found = ec2.describe_launch_templates(Filters=[{"Name": name, "Values": [aws.name]}])["LaunchTemplates"]
        assert [each["LaunchTemplateName"] for each in found] == [aws.name]


@source(GUIDE, "Restrictions for Amazon EC2 launch templates: you can't tag a launch template version")
def test_tags_of_the_template_are_no_tags_of_its_launches(aws: Contract) -> None:
    ec2 = aws.client("ec2")
    tags = [{"ResourceType": "launch-template", "Tags": [{"Key": "owner", "Value": aws.name}]}]
    ec2.create_launch_template(
        LaunchTemplateName=aws.name, LaunchTemplateData={"KeyName": "one"}, TagSpecifications=tags
    )
    aws.later(ec2.delete_launch_template, LaunchTemplateName=aws.name)
    (version,) = versions(aws, LaunchTemplateName=aws.name)
    assert "TagSpecifications" not in version["LaunchTemplateData"]


@source(API, "DeleteLaunchTemplateVersions")
def test_a_version_is_deleted_and_its_number_is_not_used_again(aws: Contract) -> None:
    ec2, named = aws.client("ec2"), template(aws)
    ec2.create_launch_template_version(**named, LaunchTemplateData={"KeyName": "one"})
    gone = ec2.delete_launch_template_versions(**named, Versions=["2"])
    assert [each["VersionNumber"] for each in gone["SuccessfullyDeletedLaunchTemplateVersions"]] == [2]
    ec2.create_launch_template_version(**named, LaunchTemplateData={"KeyName": "two"})
    assert numbers(aws, **named) == [1, 3]


@source(API, "DeleteLaunchTemplateVersions: you can't delete the default version")
def test_the_default_version_is_not_deleted(aws: Contract) -> None:
    ec2, named = aws.client("ec2"), template(aws)
    try:
        gone = ec2.delete_launch_template_versions(**named, Versions=["1"])
        assert gone["SuccessfullyDeletedLaunchTemplateVersions"] == []
    except ClientError:
        pass  # whether the whole call is refused is not documented
    assert numbers(aws, **named) == [1]


@source(API, "ResponseError, launchTemplateVersionDoesNotExist")
def test_a_version_that_is_not_there_is_told_as_not_deleted(aws: Contract) -> None:
    kept = aws.client("ec2").delete_launch_template_versions(**template(aws), Versions=["9"])
    (item,) = kept["UnsuccessfullyDeletedLaunchTemplateVersions"]
    assert item["ResponseError"]["Code"] == "launchTemplateVersionDoesNotExist"


@source(API, "Error codes, InvalidLaunchTemplateName.NotFoundException")
def test_a_template_that_is_not_there_is_refused_by_its_name(aws: Contract) -> None:
    with pytest.raises(ClientError, match=r"InvalidLaunchTemplateName\.NotFoundException"):
        versions(aws, LaunchTemplateName=aws.name)


@source(API, "Error codes, InvalidLaunchTemplateId.NotFound")
def test_a_launch_from_a_template_that_is_not_there_is_refused(aws: Contract) -> None:
    named = {"LaunchTemplateId": "lt-0123456789abcdef0"}
    with pytest.raises(ClientError, match=r"InvalidLaunchTemplateId\.NotFound"):
        aws.client("ec2").run_instances(LaunchTemplate=named, MinCount=1, MaxCount=1)


@source(API, "Error codes, InvalidLaunchTemplateId.VersionNotFound")
def test_a_launch_from_a_version_that_is_not_there_is_refused(aws: Contract) -> None:
    named = {**template(aws), "Version": "7"}
    with pytest.raises(ClientError, match=r"InvalidLaunchTemplateId\.VersionNotFound"):
        aws.client("ec2").run_instances(LaunchTemplate=named, MinCount=1, MaxCount=1)
