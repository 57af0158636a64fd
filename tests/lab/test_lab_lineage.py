"""What an AMI was made of, and what uses it, as EC2 tells it; and calls that nobody answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.conftest import Bench


def test_ancestry_when_an_ami_was_copied(bench: Bench, client: Callable[..., Any], debian: str, idle_ami: str) -> None:
    """From the AMI to the root AMI, across regions; what was deregistered stays in the chain."""
    home, away = client("ec2"), client("ec2", "eu-west-1")
    made = bench.image(bench.launch(ImageId=idle_ami), "grandchild")
    copy = away.copy_image(SourceImageId=made, SourceRegion="us-east-1", Name="copy")["ImageId"]

    def chain() -> list[tuple[str, str | None, str | None]]:
        entries = away.get_image_ancestry(ImageId=copy)["ImageAncestryEntries"]
        assert all(entry["CreationDate"] for entry in entries)
        return [(one["ImageId"], one.get("SourceImageId"), one.get("SourceImageRegion")) for one in entries]

    rest = [(idle_ami, debian, "us-east-1"), (debian, None, None)]
    assert chain() == [(copy, made, "us-east-1"), (made, idle_ami, "us-east-1"), *rest]
    bench.discard(made)
    assert chain() == [(copy, made, "us-east-1"), (made, idle_ami, "us-east-1"), *rest]
    assert away.describe_images(ImageIds=[copy])["Images"][0]["SourceImageId"] == made
    with pytest.raises(ClientError, match=r"InvalidAMIID\.NotFound"):
        home.get_image_ancestry(ImageId=made)
    bench.discard(copy, "eu-west-1")


def test_references_when_an_ami_is_used(
    bench: Bench, client: Callable[..., Any], idle_ami: str, eventually: Callable[..., Any]
) -> None:
    """By instances in some states, the newest versions of launch templates, and parameters for AMIs."""
    ec2, ssm = client("ec2"), client("ssm")
    instance = bench.launch(ImageId=idle_ami)
    template = ec2.create_launch_template(LaunchTemplateName="refers", LaunchTemplateData={"ImageId": idle_ami})
    template_id = template["LaunchTemplate"]["LaunchTemplateId"]
    ssm.put_parameter(Name="/images/idle", Value=idle_ami, Type="String", DataType="aws:ec2:image")
    eventually(lambda: ssm.get_parameters(Names=["/images/idle"])["Parameters"], "the parameter's value")
    try:

        def found(**asked: Any) -> set[tuple[str, str]]:
            told = ec2.describe_image_references(ImageIds=[idle_ami], **asked)["ImageReferences"]
            assert {one["ImageId"] for one in told} <= {idle_ami}
            return {(one["ResourceType"], one["Arn"].rpartition(":")[2]) for one in told}

        def of(kind: str, name: str, *values: str) -> dict[str, Any]:
            options = [{"OptionName": name, "OptionValues": list(values)}]
            return {"ResourceTypes": [{"ResourceType": kind, "ResourceTypeOptions": options}]}

        uses = ("ec2:Instance", f"instance/{instance}")
        assert {
            uses,
            ("ec2:LaunchTemplate", f"launch-template/{template_id}"),
            ("ssm:Parameter", "parameter/images/idle"),
        } <= found(IncludeAllResourceTypes=True)
        assert uses in found(**of("ec2:Instance", "state-name", "running"))
        assert uses not in found(**of("ec2:Instance", "state-name", "stopped"))
        ec2.create_launch_template_version(LaunchTemplateId=template_id, LaunchTemplateData={"ImageId": "ami-1"})
        assert found(**of("ec2:LaunchTemplate", "version-depth", "1")) == set()
        with pytest.raises(ClientError, match="MissingParameter"):
            found()
    finally:
        ec2.delete_launch_template(LaunchTemplateId=template_id)
        ssm.delete_parameter(Name="/images/idle")


@pytest.mark.parametrize(
    ("service", "call", "code"),
    [
        ("ec2", lambda ec2: ec2.describe_store_image_tasks(), "InvalidAction"),
        ("ssm", lambda ssm: ssm.describe_sessions(State="Active"), "UnknownOperationException"),
    ],
)
def test_call_that_nobody_answers(
    client: Callable[..., Any], service: str, call: Callable[[Any], Any], code: str
) -> None:
    """It is refused once, as AWS refuses an action that it does not know."""
    with pytest.raises(ClientError) as refused:
        call(client(service))
    told = refused.value.response
    assert (told["Error"]["Code"], told["ResponseMetadata"]["HTTPStatusCode"]) == (code, 400)
    assert told["ResponseMetadata"]["RetryAttempts"] == 0
