"""What Systems Manager and EC2 say of parameters that stand for AMIs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.source import source
from tests.waiting import until

if TYPE_CHECKING:
    from tests.contract.conftest import Contract

API = "AWS Systems Manager API Reference"
GUIDE = "AWS Systems Manager User Guide"
EC2 = "Amazon EC2 API Reference"
NONE = "ami-0123456789abcdef0"
DEBIAN = "136693071363"


def images(aws: Contract) -> list[str]:
    """The ids of public AMIs, at least one."""
    named = [{"Name": "name", "Values": ["debian-12-amd64-*"]}]
    return sorted(
        each["ImageId"] for each in aws.client("ec2").describe_images(Owners=[DEBIAN], Filters=named)["Images"]
    )


def put(aws: Contract, value: str, **arguments: Any) -> int:
    """Write the parameter of this rule, and remove it in the end."""
    ssm = aws.client("ssm")
    aws.later(ssm.delete_parameters, Names=[aws.name])
    given = {"Type": "String", **arguments}
    return int(ssm.put_parameter(Name=aws.name, Value=value, **given)["Version"])


def pointer(aws: Contract, value: str, **arguments: Any) -> int:
    return put(aws, value, DataType="aws:ec2:image", **arguments)


def read(aws: Contract, name: str = "") -> dict[str, Any] | None:
    """The parameter as it is now."""
    found = aws.client("ssm").get_parameters(Names=[name or aws.name])["Parameters"]
    return dict(found[0]) if found else None


def settled(aws: Contract, version: int) -> dict[str, Any]:
    """The parameter once it has this version."""
    return until(lambda: found if (found := read(aws)) and found["Version"] == version else None, f"version {version}")


def validated(aws: Contract) -> None:
    """Wait until whatever was written before has been looked at: a later value of another parameter is there."""
    other = f"{aws.name}-later"
    ssm = aws.client("ssm")
    aws.later(ssm.delete_parameters, Names=[other])
    ssm.put_parameter(Name=other, Value=images(aws)[0], Type="String", DataType="aws:ec2:image")
    until(lambda: read(aws, other), other)


@source(API, "PutParameter, DataType: validated asynchronously")
def test_a_pointer_has_its_value_some_time_after_the_answer(aws: Contract) -> None:
    assert pointer(aws, images(aws)[0]) == 1
    found = settled(aws, 1)
    assert (found["Value"], found["DataType"]) == (images(aws)[0], "aws:ec2:image")


@source(API, "PutParameter, DataType: a successful response does not guarantee that the parameter was created")
def test_a_pointer_to_no_ami_is_answered_and_never_created(aws: Contract) -> None:
    assert pointer(aws, NONE) == 1
    validated(aws)
    assert read(aws) is None


@source(API, "PutParameter, DataType: the parameter will not be created or updated")
def test_the_old_value_stays_when_the_new_one_is_no_ami(aws: Contract) -> None:
    pointer(aws, images(aws)[0])
    settled(aws, 1)
    pointer(aws, NONE, Overwrite=True)
    validated(aws)
    found = read(aws)
    assert found is not None
    assert (found["Value"], found["Version"]) == (images(aws)[0], 1)


@source(API, "PutParameter, DataType: the required format, such as ami-12345abcdeEXAMPLE")
def test_a_word_is_no_pointer(aws: Contract) -> None:
    pointer(aws, "golden")
    validated(aws)
    assert read(aws) is None


@source(GUIDE, "Parameter data types: a type cannot be changed to or from aws:ec2:image")
def test_text_never_becomes_a_pointer(aws: Contract) -> None:
    put(aws, images(aws)[0])
    with pytest.raises(ClientError):
        pointer(aws, images(aws)[0], Overwrite=True)
    found = read(aws)
    assert found is not None
    assert found["DataType"] == "text"


@source(GUIDE, "Parameter data types: a type cannot be changed to or from aws:ec2:image")
def test_a_pointer_never_becomes_text(aws: Contract) -> None:
    pointer(aws, images(aws)[0])
    settled(aws, 1)
    with pytest.raises(ClientError):
        put(aws, "words", DataType="text", Overwrite=True)


@source(API, "PutParameter, ParameterAlreadyExists")
def test_a_pointer_that_is_there_is_not_written_without_overwrite(aws: Contract) -> None:
    pointer(aws, images(aws)[0])
    settled(aws, 1)
    with pytest.raises(ClientError, match="ParameterAlreadyExists"):
        pointer(aws, images(aws)[0])


@source(GUIDE, "Managing parameter tiers: 4 KB in the standard tier")
def test_a_value_of_more_than_4_kb_is_refused(aws: Contract) -> None:
    assert put(aws, "x" * 4096) == 1
    with pytest.raises(ClientError, match="ValidationException"):
        put(aws, "x" * 4097, Overwrite=True)


@source(GUIDE, "Managing parameter tiers: 8 KB in the advanced tier")
def test_an_advanced_parameter_has_8_kb(aws: Contract) -> None:
    assert put(aws, "x" * 8192, Tier="Advanced") == 1
    with pytest.raises(ClientError, match="ValidationException"):
        put(aws, "x" * 8193, Tier="Advanced", Overwrite=True)


@source(GUIDE, "Managing parameter tiers: Intelligent-Tiering")
def test_intelligent_tiering_takes_the_tier_that_is_needed(aws: Contract) -> None:
    put(aws, "x" * 4097, Tier="Intelligent-Tiering")
    (found,) = aws.client("ssm").describe_parameters(
        ParameterFilters=[{"Key": "Name", "Option": "Equals", "Values": [aws.name]}]
    )["Parameters"]
    assert found["Tier"] == "Advanced"


@source(API, "PutParameter, ParameterMaxVersionLimitExceeded: 100 versions, and the oldest goes")
def test_the_oldest_of_a_hundred_versions_goes(aws: Contract) -> None:
    ssm = aws.client("ssm")
    for number in range(101):
        put(aws, str(number), Overwrite=True) if number else put(aws, "0")
    pages = ssm.get_paginator("get_parameter_history").paginate(Name=aws.name)
    listed = [each["Version"] for page in pages for each in page["Parameters"]]
    assert (min(listed), max(listed), len(listed)) == (2, 101, 100)


@source(API, "PutParameter, ParameterMaxVersionLimitExceeded: a label on the oldest version")
def test_a_label_on_the_oldest_version_blocks_the_next(aws: Contract) -> None:
    ssm = aws.client("ssm")
    put(aws, "0")
    ssm.label_parameter_version(Name=aws.name, ParameterVersion=1, Labels=["kept"])
    for number in range(99):
        put(aws, str(number), Overwrite=True)
    with pytest.raises(ClientError, match="ParameterMaxVersionLimitExceeded"):
        put(aws, "too many", Overwrite=True)


@source(API, "GetParameter, Name: name:version and name:label")
def test_a_parameter_is_read_by_version_and_label(aws: Contract) -> None:
    put(aws, "one")
    put(aws, "two", Overwrite=True)
    aws.client("ssm").label_parameter_version(Name=aws.name, ParameterVersion=1, Labels=["stable"])
    values = [found["Value"] for each in ("1", "2", "stable") if (found := read(aws, f"{aws.name}:{each}"))]
    assert values == ["one", "two", "one"]


@source(API, "LabelParameterVersion: a label is moved")
def test_a_label_is_on_one_version_only(aws: Contract) -> None:
    ssm = aws.client("ssm")
    put(aws, "one")
    put(aws, "two", Overwrite=True)
    for version in (1, 2):
        ssm.label_parameter_version(Name=aws.name, ParameterVersion=version, Labels=["stable"])
    history = ssm.get_parameter_history(Name=aws.name)["Parameters"]
    assert [each["Labels"] for each in history] == [[], ["stable"]]


def template(aws: Contract, image_id: str) -> dict[str, str]:
    ec2 = aws.client("ec2")
    ec2.create_launch_template(LaunchTemplateName=aws.name, LaunchTemplateData={"ImageId": image_id})
    aws.later(ec2.delete_launch_template, LaunchTemplateName=aws.name)
    return {"LaunchTemplateName": aws.name}


@source(EC2, "DescribeLaunchTemplateVersions, ResolveAlias")
def test_a_template_shows_the_parameter_or_its_ami(aws: Contract) -> None:
    pointer(aws, images(aws)[0])
    settled(aws, 1)
    named = template(aws, f"resolve:ssm:{aws.name}")
    shown = [
        aws.client("ec2").describe_launch_template_versions(**named, ResolveAlias=alias)["LaunchTemplateVersions"][0]
        for alias in (False, True)
    ]
    told = [each["LaunchTemplateData"]["ImageId"] for each in shown]
    assert told == [f"resolve:ssm:{aws.name}", images(aws)[0]]


@source(EC2, "RequestLaunchTemplateData, ImageId: resolve:ssm:parameter-name:version-number and :label")
def test_a_template_names_a_version_or_a_label_of_a_parameter(aws: Contract) -> None:
    pointer(aws, images(aws)[0])
    settled(aws, 1)
    aws.client("ssm").label_parameter_version(Name=aws.name, ParameterVersion=1, Labels=["stable"])
    named = template(aws, f"resolve:ssm:{aws.name}:1")
    aws.client("ec2").create_launch_template_version(
        **named, LaunchTemplateData={"ImageId": f"resolve:ssm:{aws.name}:stable"}
    )
    answer = aws.client("ec2").describe_launch_template_versions(**named, ResolveAlias=True)
    assert {each["LaunchTemplateData"]["ImageId"] for each in answer["LaunchTemplateVersions"]} == {images(aws)[0]}


@source(EC2, "CreateLaunchTemplate; that EC2 takes only parameters of aws:ec2:image is told by its error message")
def test_a_parameter_of_text_is_refused_in_a_template(aws: Contract) -> None:
    put(aws, images(aws)[0])
    with pytest.raises(ClientError, match=r"supported: aws:ec2:image"):
        template(aws, f"resolve:ssm:{aws.name}")


@source(EC2, "RunInstances, ImageId; a parameter that is not there cannot be resolved (inferred)")
def test_a_launch_by_a_parameter_that_is_not_there_is_refused(aws: Contract) -> None:
    with pytest.raises(ClientError):
        aws.client("ec2").run_instances(
            ImageId=f"resolve:ssm:{aws.name}", InstanceType="t3.small", MinCount=1, MaxCount=1
        )
