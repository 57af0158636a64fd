"""What CopyImage does, within one account."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from tests.contract.images import copied, debian, described, forget, registered, snapshot
from tests.contract.source import source

if TYPE_CHECKING:
    from tests.contract.conftest import Contract

US, EU = "us-east-1", "eu-west-1"
API, GUIDE = "Amazon EC2 API Reference", "Amazon EC2 User Guide"


def copy(aws: Contract, image: str, region: str = US, **options: object) -> str:
    asked = {"SourceImageId": image, "SourceRegion": US, "Name": aws.fresh()} | options
    made: str = aws.client("ec2", region).copy_image(**asked)["ImageId"]
    forget(aws, made, region)
    return made


@source(API, "CopyImage, ClientToken; Ensuring idempotency")
def test_the_same_client_token_gives_the_same_copy(aws: Contract) -> None:
    image, name = registered(aws), aws.fresh()
    first, second = (copy(aws, image, Name=name, ClientToken=aws.name) for _ in range(2))
    assert first == second


@source(API, "Ensuring idempotency, IdempotentParameterMismatch")
def test_a_client_token_is_not_for_another_request(aws: Contract) -> None:
    image = registered(aws)
    copy(aws, image, Name=aws.fresh(), ClientToken=aws.name)
    with pytest.raises(ClientError, match="IdempotentParameterMismatch"):
        copy(aws, image, Name=aws.fresh(), ClientToken=aws.name)


@source(API, "Ensuring idempotency in Amazon EC2 API requests")
def test_a_client_token_counts_in_its_region_alone(aws: Contract) -> None:
    image = registered(aws)
    assert copy(aws, image, ClientToken=aws.name) != copy(aws, image, EU, ClientToken=aws.name)


@source(API, "CopyImage, CopyImageTags: your user-defined AMI tags are not copied by default")
def test_tags_of_the_source_are_not_copied_unless_asked(aws: Contract) -> None:
    image = registered(aws)
    aws.client("ec2").create_tags(Resources=[image], Tags=[{"Key": "team", "Value": "web"}])
    assert described(aws, copied(aws, image)).get("Tags", []) == []


@source(API, "CopyImage, CopyImageTags")
def test_tags_of_the_source_are_copied_when_asked(aws: Contract) -> None:
    image = registered(aws)
    aws.client("ec2").create_tags(Resources=[image], Tags=[{"Key": "team", "Value": "web"}])
    assert described(aws, copied(aws, image, CopyImageTags=True))["Tags"] == [{"Key": "team", "Value": "web"}]


@source(API, "CopyImage, TagSpecifications")
def test_a_copy_and_its_snapshots_are_tagged_at_once(aws: Contract) -> None:
    kinds = ("image", "snapshot")
    tags = [{"ResourceType": kind, "Tags": [{"Key": "of", "Value": kind}]} for kind in kinds]
    shown = described(aws, copied(aws, registered(aws), TagSpecifications=tags))
    (mapping,) = shown["BlockDeviceMappings"]
    (kept,) = aws.client("ec2").describe_snapshots(SnapshotIds=[mapping["Ebs"]["SnapshotId"]])["Snapshots"]
    assert (shown["Tags"], kept["Tags"]) == ([{"Key": "of", "Value": "image"}], [{"Key": "of", "Value": "snapshot"}])


@source(API, "CopyImage, TagSpecifications: if you specify other values for ResourceType, the request fails")
def test_a_copy_tags_images_and_snapshots_only(aws: Contract) -> None:
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "of", "Value": "x"}]}]
    with pytest.raises(ClientError):
        copy(aws, registered(aws), TagSpecifications=tags)


@source(API, "Image, SourceImageId and SourceImageRegion")
def test_a_copy_names_its_source_and_the_region_of_it(aws: Contract) -> None:
    image = registered(aws)
    shown = described(aws, copied(aws, image, EU), EU)
    assert (shown["SourceImageId"], shown["SourceImageRegion"]) == (image, US)


@source(GUIDE, "Copy an AMI: the target AMI has its own AMI ID and is owned by the account that copied it")
def test_a_copy_of_a_public_ami_is_the_callers_own(aws: Contract) -> None:
    image = copied(aws, debian(aws))
    found = aws.client("ec2").describe_images(ImageIds=[image], Owners=["self"])["Images"]
    assert [(each["ImageId"], each["Public"]) for each in found] == [(image, False)]


@source(GUIDE, "Copy an AMI: launch permissions are not copied")
def test_a_copy_is_shared_with_nobody(aws: Contract) -> None:
    image = registered(aws)
    permission = {"Add": [{"UserId": "111122223333"}]}
    aws.client("ec2").modify_image_attribute(ImageId=image, LaunchPermission=permission)
    made = copied(aws, image)
    shown = aws.client("ec2").describe_image_attribute(ImageId=made, Attribute="launchPermission")
    assert shown["LaunchPermissions"] == []


@source(API, "CopyImage, Description; the description of the source is kept when none is given [inferred]")
def test_a_copy_has_the_description_that_it_was_given(aws: Contract) -> None:
    assert described(aws, copied(aws, registered(aws), Description="for tests"))["Description"] == "for tests"


@source(API, "CopyImage, KmsKeyId: if you specify a KMS key, you must also set the encrypted state to true")
def test_a_copy_with_a_key_is_encrypted_expressly(aws: Contract) -> None:
    with pytest.raises(ClientError):
        copy(aws, registered(aws), KmsKeyId="alias/aws/ebs")


@source(API, "CopyImage, Encrypted: the default KMS key for Amazon EBS is used unless you specify another")
def test_a_copy_can_be_encrypted_by_the_default_key(aws: Contract) -> None:
    (mapping,) = described(aws, copied(aws, registered(aws), Encrypted=True))["BlockDeviceMappings"]
    assert mapping["Ebs"]["Encrypted"]
    (kept,) = aws.client("ec2").describe_snapshots(SnapshotIds=[mapping["Ebs"]["SnapshotId"]])["Snapshots"]
    key = aws.client("kms").describe_key(KeyId="alias/aws/ebs")["KeyMetadata"]
    assert (kept["Encrypted"], kept["KmsKeyId"]) == (True, key["Arn"])


@source(API, "CopyImage, Encrypted: you cannot create an unencrypted copy of an encrypted snapshot")
def test_an_encrypted_ami_is_not_copied_in_clear(aws: Contract) -> None:
    image = registered(aws, snapshot(aws, Encrypted=True))
    with pytest.raises(ClientError, match="unencrypted copy"):
        copy(aws, image, Encrypted=False)


@source(API, "CopyImage, KmsKeyId: with an identifier that is not valid, the action can appear to complete, but fails")
def test_a_copy_with_a_key_that_is_not_there_fails_after_the_answer(aws: Contract) -> None:
    key = "1234abcd-12ab-34cd-56ef-1234567890ab"
    image = copy(aws, registered(aws), Encrypted=True, KmsKeyId=key)
    aws.client("ec2").get_waiter("image_exists").wait(ImageIds=[image])
    shown = described(aws, image)
    assert shown["State"] in ("pending", "failed")
    with pytest.raises(Exception, match="Waiter"):
        aws.client("ec2").get_waiter("image_available").wait(ImageIds=[image], WaiterConfig={"Delay": 2})
    assert described(aws, image)["StateReason"]["Message"]


@source(API, "CopyImage, SourceImageId; Error codes, InvalidAMIID.NotFound")
def test_an_ami_that_is_not_there_is_not_copied(aws: Contract) -> None:
    with pytest.raises(ClientError, match=r"InvalidAMIID\.NotFound"):
        copy(aws, "ami-0123456789abcdef0")


@source(API, "CopyImage, SourceRegion: the Region that contains the AMI")
def test_an_ami_of_another_region_is_not_found_here(aws: Contract) -> None:
    with pytest.raises(ClientError, match=r"InvalidAMIID\.NotFound"):
        copy(aws, registered(aws), EU, SourceRegion=EU)


@source(API, "CopyImage, SnapshotCopyCompletionDurationMinutes: in 15 minute increments")
def test_a_copy_in_time_takes_quarters_of_an_hour(aws: Contract) -> None:
    with pytest.raises(ClientError):
        copy(aws, registered(aws), SnapshotCopyCompletionDurationMinutes=20)


@source(GUIDE, "Disable an AMI: a disabled AMI can't be copied [inferred: CopyImage needs an available AMI]")
def test_a_disabled_ami_is_not_copied(aws: Contract) -> None:
    image = registered(aws)
    aws.client("ec2").disable_image(ImageId=image)
    with pytest.raises(ClientError):
        copy(aws, image)


@source("Amazon EBS User Guide", "Copy an Amazon EBS snapshot: user-defined tags are not copied")
def test_a_copy_of_a_snapshot_has_only_the_tags_that_it_was_given(aws: Contract) -> None:
    ec2, kept = aws.client("ec2"), snapshot(aws)
    ec2.create_tags(Resources=[kept], Tags=[{"Key": "team", "Value": "web"}])
    tags = [{"ResourceType": "snapshot", "Tags": [{"Key": "of", "Value": "copy"}]}]
    answer = ec2.copy_snapshot(SourceSnapshotId=kept, SourceRegion=US, TagSpecifications=tags)
    aws.later(ec2.delete_snapshot, SnapshotId=answer["SnapshotId"])
    assert answer["Tags"] == [{"Key": "of", "Value": "copy"}]


@source(API, "CopySnapshot, KmsKeyId: authenticated asynchronously; the action can appear to complete, but fails")
def test_a_copy_of_a_snapshot_with_a_wrong_key_ends_in_error(aws: Contract) -> None:
    ec2 = aws.client("ec2")
    made = ec2.copy_snapshot(
        SourceSnapshotId=snapshot(aws), SourceRegion=US, Encrypted=True, KmsKeyId="1234abcd-12ab-34cd-56ef-1234567890ab"
    )["SnapshotId"]
    aws.later(ec2.delete_snapshot, SnapshotId=made)
    with pytest.raises(Exception, match="Waiter"):
        ec2.get_waiter("snapshot_completed").wait(SnapshotIds=[made], WaiterConfig={"Delay": 2})
