"""What Auto Scaling needs of a key: the rule that people find out last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.images import copied, debian
from tests.contract.keys import key, policy
from tests.contract.source import source
from tests.waiting import until

if TYPE_CHECKING:
    from tests.contract.conftest import Contract

GUIDE = "Amazon EC2 Auto Scaling User Guide"
SERVICE_ROLE = "aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
FOR_VOLUMES = (
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncrypt*",
    "kms:GenerateDataKey*",
    "kms:DescribeKey",
    "kms:CreateGrant",
)


def last_words(aws: Contract, image: str) -> str:
    """What the first activity of a group with one machine of an AMI says in the end."""
    ec2, scaling = aws.client("ec2"), aws.client("autoscaling")
    data = {"ImageId": image, "InstanceType": "t3.small"}
    ec2.create_launch_template(LaunchTemplateName=aws.name, LaunchTemplateData=data)
    aws.later(ec2.delete_launch_template, LaunchTemplateName=aws.name)
    subnet = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"][0]["SubnetId"]
    scaling.create_auto_scaling_group(
        AutoScalingGroupName=aws.name,
        LaunchTemplate={"LaunchTemplateName": aws.name, "Version": "1"},
        MinSize=0,
        MaxSize=1,
        DesiredCapacity=1,
        VPCZoneIdentifier=subnet,
    )
    aws.later(scaling.delete_auto_scaling_group, AutoScalingGroupName=aws.name, ForceDelete=True)

    def done() -> list[dict[str, Any]]:
        activities = scaling.describe_scaling_activities(AutoScalingGroupName=aws.name)["Activities"]
        return [each for each in activities if each["StatusCode"] in ("Successful", "Failed", "Cancelled")]

    last = until(done, "the end of the launch", pause=1)[-1]
    return f"{last['StatusCode']}: {last.get('StatusMessage', '')}"


@source(GUIDE, "Required AWS KMS key policy for use with encrypted volumes; the message is that of public reports")
def test_a_group_does_not_launch_with_a_key_that_its_role_may_not_use(aws: Contract) -> None:
    """The same key lets every person of the account launch."""
    said = last_words(aws, copied(aws, debian(aws), Encrypted=True, KmsKeyId=key(aws)))
    assert said.startswith(("Failed", "Cancelled"))
    assert "InvalidKMSKey" in said


@source(GUIDE, "Required AWS KMS key policy: allow the service-linked role access to the customer managed key")
@pytest.mark.parametrize("by", ["policy", "grant"])
def test_a_group_launches_with_a_key_that_lets_its_role_in(aws: Contract, account: str, by: str) -> None:
    role = f"arn:aws:iam::{account}:role/{SERVICE_ROLE}"
    arn = key(aws, Policy=policy(account, *([role] if by == "policy" else []), actions=FOR_VOLUMES))
    if by == "grant":
        granted = [
            "Encrypt",
            "Decrypt",
            "ReEncryptFrom",
            "ReEncryptTo",
            "GenerateDataKey",
            "DescribeKey",
            "CreateGrant",
        ]
        aws.client("kms").create_grant(KeyId=arn, GranteePrincipal=role, Operations=granted)
    assert last_words(aws, copied(aws, debian(aws), Encrypted=True, KmsKeyId=arn)).startswith("Successful")
