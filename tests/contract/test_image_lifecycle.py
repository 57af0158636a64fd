"""How AMIs are deprecated, protected, disabled and deregistered, and what of it can be read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.images import copied, debian, described, registered, snapshot
from tests.contract.source import source

if TYPE_CHECKING:
    from tests.contract.conftest import Contract

API, GUIDE = "Amazon EC2 API Reference", "Amazon EC2 User Guide"


def attribute(aws: Contract, image: str, name: str) -> dict[str, Any]:
    return dict(aws.client("ec2").describe_image_attribute(ImageId=image, Attribute=name))


@source(API, "EnableImageDeprecation, DeprecateAt: rounded to the nearest minute")
def test_a_date_of_deprecation_is_shown_in_minutes(aws: Contract) -> None:
    image, day = registered(aws), datetime.now(UTC).replace(microsecond=0, second=20, minute=7) + timedelta(days=30)
    aws.client("ec2").enable_image_deprecation(ImageId=image, DeprecateAt=day)
    assert described(aws, image)["DeprecationTime"].startswith(day.strftime("%Y-%m-%dT%H:07:00"))


@source(API, "EnableImageDeprecation, DeprecateAt: you can't specify a date in the past")
def test_no_ami_is_deprecated_in_the_past(aws: Contract) -> None:
    with pytest.raises(ClientError):
        aws.client("ec2").enable_image_deprecation(
            ImageId=registered(aws), DeprecateAt=datetime.now(UTC) - timedelta(days=1)
        )


@source(API, "EnableImageDeprecation, DeprecateAt: the upper limit is 10 years from now")
def test_no_ami_is_deprecated_in_more_than_ten_years(aws: Contract) -> None:
    with pytest.raises(ClientError):
        aws.client("ec2").enable_image_deprecation(
            ImageId=registered(aws), DeprecateAt=datetime.now(UTC) + timedelta(days=3_700)
        )


@source(API, "DisableImageDeprecation")
def test_a_deprecation_can_be_cancelled(aws: Contract) -> None:
    ec2, image = aws.client("ec2"), registered(aws)
    ec2.enable_image_deprecation(ImageId=image, DeprecateAt=datetime.now(UTC) + timedelta(days=1))
    ec2.disable_image_deprecation(ImageId=image)
    assert "DeprecationTime" not in described(aws, image)


@source(API, "DescribeImages, IncludeDeprecated: the owner sees deprecated AMIs in any case")
def test_the_owner_sees_an_ami_that_is_deprecated_now(aws: Contract) -> None:
    ec2, image = aws.client("ec2"), registered(aws)
    ec2.enable_image_deprecation(ImageId=image, DeprecateAt=datetime.now(UTC))
    assert described(aws, image)["ImageId"] == image


@source(API, "EnableImageDeregistrationProtection; AWS CLI Command Reference, its example")
@pytest.mark.parametrize(
    ("options", "value"),
    [({}, "enabled-without-cooldown"), ({"WithCooldown": True}, "enabled-with-cooldown")],
    ids=["without", "with"],
)
def test_protection_is_named_by_its_cooldown(aws: Contract, options: dict[str, bool], value: str) -> None:
    ec2, image = aws.client("ec2"), registered(aws)
    answer = ec2.enable_image_deregistration_protection(ImageId=image, **options)["Return"]
    ec2.disable_image_deregistration_protection(ImageId=image)
    assert answer == value


@source(API, "EnableImageDeregistrationProtection: the AMI can't be deregistered")
def test_a_protected_ami_is_not_deregistered(aws: Contract) -> None:
    ec2, image = aws.client("ec2"), registered(aws)
    ec2.enable_image_deregistration_protection(ImageId=image)
    with pytest.raises(ClientError):
        ec2.deregister_image(ImageId=image)
    ec2.disable_image_deregistration_protection(ImageId=image)
    assert described(aws, image)["State"] == "available"


@source(API, "DisableImageDeregistrationProtection: the AMI can be deregistered")
def test_without_protection_an_ami_is_deregistered(aws: Contract) -> None:
    ec2, image = aws.client("ec2"), registered(aws)
    ec2.enable_image_deregistration_protection(ImageId=image)
    ec2.disable_image_deregistration_protection(ImageId=image)
    assert ec2.deregister_image(ImageId=image)["Return"]


@source(API, "DisableImageDeregistrationProtection: with a cooldown, not immediately")
def test_a_cooldown_goes_on_after_the_end_of_protection(aws: Contract) -> None:
    ec2, image = aws.client("ec2"), registered(aws)
    ec2.enable_image_deregistration_protection(ImageId=image, WithCooldown=True)
    ec2.disable_image_deregistration_protection(ImageId=image)
    with pytest.raises(ClientError):
        ec2.deregister_image(ImageId=image)


@source(API, "DescribeImageAttribute, deregistrationProtection; Image, DeregistrationProtection")
def test_protection_can_be_read(aws: Contract) -> None:
    ec2, image = aws.client("ec2"), registered(aws)
    assert attribute(aws, image, "deregistrationProtection")["DeregistrationProtection"] == {"Value": "disabled"}
    assert described(aws, image)["DeregistrationProtection"] == "disabled"
    ec2.enable_image_deregistration_protection(ImageId=image)
    shown = described(aws, image)["DeregistrationProtection"]
    ec2.disable_image_deregistration_protection(ImageId=image)
    assert shown == "enabled-without-cooldown"


@source(API, "DisableImage: removes all launch permissions")
def test_a_disabled_ami_is_shared_with_nobody_even_when_enabled_again(aws: Contract) -> None:
    ec2, image = aws.client("ec2"), registered(aws)
    ec2.modify_image_attribute(ImageId=image, LaunchPermission={"Add": [{"UserId": "111122223333"}]})
    ec2.disable_image(ImageId=image)
    ec2.enable_image(ImageId=image)
    assert attribute(aws, image, "launchPermission")["LaunchPermissions"] == []


@source(API, "DisableImage: a disabled AMI can't be shared")
def test_a_disabled_ami_cannot_be_shared(aws: Contract) -> None:
    ec2, image = aws.client("ec2"), registered(aws)
    ec2.disable_image(ImageId=image)
    with pytest.raises(ClientError):
        ec2.modify_image_attribute(ImageId=image, LaunchPermission={"Add": [{"UserId": "111122223333"}]})


@source(API, "DescribeImages, IncludeDisabled")
def test_a_disabled_ami_is_listed_only_when_asked(aws: Contract) -> None:
    ec2, image = aws.client("ec2"), registered(aws)
    ec2.disable_image(ImageId=image)
    filters = [{"Name": "image-id", "Values": [image]}]
    assert ec2.describe_images(Owners=["self"], Filters=filters)["Images"] == []
    (shown,) = ec2.describe_images(Owners=["self"], Filters=filters, IncludeDisabled=True)["Images"]
    assert shown["State"] == "disabled"


@source(API, "DisableImage: a disabled AMI can't be used for instance launches")
def test_a_disabled_ami_is_not_launched(aws: Contract) -> None:
    ec2, image = aws.client("ec2"), registered(aws)
    ec2.disable_image(ImageId=image)
    with pytest.raises(ClientError, match="InvalidAMIID"):
        ec2.run_instances(ImageId=image, InstanceType="t3.small", MinCount=1, MaxCount=1)


@source(GUIDE, "Disable an AMI: you can deregister a disabled AMI")
def test_a_disabled_ami_can_be_deregistered(aws: Contract) -> None:
    ec2, image = aws.client("ec2"), registered(aws)
    ec2.disable_image(ImageId=image)
    assert ec2.deregister_image(ImageId=image)["Return"]


@source(API, "DeregisterImage: the snapshots are not deleted by default")
def test_the_snapshot_of_a_deregistered_ami_stays(aws: Contract) -> None:
    ec2, kept = aws.client("ec2"), snapshot(aws)
    ec2.deregister_image(ImageId=registered(aws, kept))
    assert ec2.describe_snapshots(SnapshotIds=[kept])["Snapshots"][0]["State"] == "completed"


@source(API, "DeregisterImage, DeleteAssociatedSnapshots")
def test_a_snapshot_goes_with_its_ami_when_asked(aws: Contract) -> None:
    ec2, kept = aws.client("ec2"), snapshot(aws)
    answer = ec2.deregister_image(ImageId=registered(aws, kept), DeleteAssociatedSnapshots=True)
    assert answer["DeleteSnapshotResults"] == [{"SnapshotId": kept, "ReturnCode": "success"}]
    with pytest.raises(ClientError, match=r"InvalidSnapshot\.NotFound"):
        ec2.describe_snapshots(SnapshotIds=[kept])


@source(API, "DeregisterImage, DeleteAssociatedSnapshots: a snapshot of multiple AMIs is not deleted")
def test_a_snapshot_of_two_amis_stays_with_the_other(aws: Contract) -> None:
    ec2, kept = aws.client("ec2"), snapshot(aws)
    first, second = registered(aws, kept), registered(aws, kept)
    answer = ec2.deregister_image(ImageId=first, DeleteAssociatedSnapshots=True)
    assert answer["DeleteSnapshotResults"] == [{"SnapshotId": kept, "ReturnCode": "skipped"}]
    assert described(aws, second)["State"] == "available"


@source(API, "DeleteSnapshot: you must first deregister the AMI; Error codes, InvalidSnapshot.InUse")
def test_a_snapshot_of_an_ami_is_not_deleted(aws: Contract) -> None:
    ec2, kept = aws.client("ec2"), snapshot(aws)
    registered(aws, kept)
    with pytest.raises(ClientError, match=r"InvalidSnapshot\.InUse"):
        ec2.delete_snapshot(SnapshotId=kept)


@source(API, "Error codes, AuthFailure; DeregisterImage is for the owner (EC2 User Guide, Deregister an AMI)")
def test_an_ami_of_somebody_else_is_not_deregistered(aws: Contract) -> None:
    with pytest.raises(ClientError, match="AuthFailure"):
        aws.client("ec2").deregister_image(ImageId=debian(aws))


@source(API, "DescribeImages, MaxResults and NextToken; Pagination")
def test_amis_come_in_pages(aws: Contract) -> None:
    kept = snapshot(aws)
    made = {registered(aws, kept, f"{aws.name}-{number}") for number in range(5)}
    pages = (
        aws.client("ec2")
        .get_paginator("describe_images")
        .paginate(
            Owners=["self"],
            Filters=[{"Name": "name", "Values": [f"{aws.name}-*"]}],
            PaginationConfig={"PageSize": 2},
        )
    )
    shown = [[image["ImageId"] for image in page["Images"]] for page in pages]
    assert {each for page in shown for each in page} == made
    assert all(len(page) <= 2 for page in shown)


@source(API, "Error codes, InvalidNextToken")
def test_a_token_that_nobody_gave_is_refused(aws: Contract) -> None:
    with pytest.raises(ClientError):
        aws.client("ec2").describe_images(Owners=["self"], MaxResults=5, NextToken="guessed")


@source(API, "DescribeImages, Filters: source-image-id, source-image-region")
def test_amis_are_found_by_their_source(aws: Contract) -> None:
    ec2, image = aws.client("ec2", "eu-west-1"), registered(aws)
    made = copied(aws, image, "eu-west-1")
    filters = [{"Name": "source-image-id", "Values": [image]}, {"Name": "source-image-region", "Values": ["us-east-1"]}]
    assert [each["ImageId"] for each in ec2.describe_images(Filters=filters)["Images"]] == [made]


@source(API, "DescribeImages, Filters: block-device-mapping.snapshot-id")
def test_an_ami_is_found_by_its_snapshot(aws: Contract) -> None:
    kept = snapshot(aws)
    image = registered(aws, kept)
    filters = [{"Name": "block-device-mapping.snapshot-id", "Values": [kept]}]
    assert [each["ImageId"] for each in aws.client("ec2").describe_images(Filters=filters)["Images"]] == [image]


@source(API, "DescribeImages, Filters: creation-date takes a wildcard for an entire day")
def test_an_ami_is_found_by_its_day(aws: Contract) -> None:
    image = registered(aws)
    day = described(aws, image)["CreationDate"][:10]
    filters = [{"Name": "creation-date", "Values": [f"{day}T*"]}, {"Name": "image-id", "Values": [image]}]
    assert len(aws.client("ec2").describe_images(Filters=filters)["Images"]) == 1


@source(API, "DescribeImages, Filters: values of one filter are joined with an OR, filters with an AND")
def test_filters_are_joined(aws: Contract) -> None:
    image, other = registered(aws), registered(aws)
    ids = {"Name": "image-id", "Values": [image, other]}
    name = {"Name": "name", "Values": [described(aws, image)["Name"]]}
    ec2 = aws.client("ec2")
    assert len(ec2.describe_images(Filters=[ids])["Images"]) == 2
    assert [each["ImageId"] for each in ec2.describe_images(Filters=[ids, name])["Images"]] == [image]


@source(API, "DescribeImages, Filters; Error codes, InvalidParameterValue")
def test_a_filter_that_does_not_exist_is_refused(aws: Contract) -> None:
    with pytest.raises(ClientError, match="InvalidParameterValue"):
        aws.client("ec2").describe_images(Filters=[{"Name": "colour", "Values": ["blue"]}])


@source(API, "DescribeImageAttribute, blockDeviceMapping: returns the Client.AuthFailure error")
def test_block_devices_are_no_attribute_any_more(aws: Contract) -> None:
    with pytest.raises(ClientError, match="AuthFailure"):
        attribute(aws, registered(aws), "blockDeviceMapping")


@source(API, "ModifyImageAttribute, Description")
def test_a_description_can_be_changed(aws: Contract) -> None:
    ec2, image = aws.client("ec2"), registered(aws)
    ec2.modify_image_attribute(ImageId=image, Description={"Value": "web 7"})
    assert attribute(aws, image, "description")["Description"] == {"Value": "web 7"}


@source(API, "ModifyImageAttribute: you can specify only one attribute at a time")
def test_one_attribute_is_changed_at_a_time(aws: Contract) -> None:
    with pytest.raises(ClientError):
        aws.client("ec2").modify_image_attribute(
            ImageId=registered(aws), Description={"Value": "x"}, ImdsSupport={"Value": "v2.0"}
        )


@source(API, "ModifyImageAttribute, ImdsSupport; Image, ImdsSupport")
def test_an_ami_can_ask_for_version_two_of_the_metadata_service(aws: Contract) -> None:
    image = registered(aws)
    aws.client("ec2").modify_image_attribute(ImageId=image, ImdsSupport={"Value": "v2.0"})
    assert described(aws, image)["ImdsSupport"] == "v2.0"


@source(API, "Error codes, InvalidAMIAttributeItemValue")
def test_an_ami_is_shared_with_an_account_of_twelve_digits(aws: Contract) -> None:
    with pytest.raises(ClientError, match="InvalidAMIAttributeItemValue"):
        aws.client("ec2").modify_image_attribute(
            ImageId=registered(aws), LaunchPermission={"Add": [{"UserId": "12345"}]}
        )


@source(API, "ResetImageAttribute: the launch permission attribute")
def test_launch_permissions_can_be_reset(aws: Contract) -> None:
    ec2, image = aws.client("ec2"), registered(aws)
    ec2.modify_image_attribute(ImageId=image, LaunchPermission={"Add": [{"UserId": "111122223333"}]})
    ec2.reset_image_attribute(ImageId=image, Attribute="launchPermission")
    assert attribute(aws, image, "launchPermission")["LaunchPermissions"] == []


@source(API, "RegisterImage, Name: unique; Error codes, InvalidAMIName.Duplicate")
def test_two_amis_of_an_account_do_not_have_one_name(aws: Contract) -> None:
    registered(aws, name=aws.name)
    with pytest.raises(ClientError, match=r"InvalidAMIName\.Duplicate"):
        registered(aws, name=aws.name)


@source(GUIDE, "Share an AMI: AMIs with encrypted volumes cannot be made public")
def test_an_encrypted_ami_is_not_made_public(aws: Contract) -> None:
    image = registered(aws, snapshot(aws, Encrypted=True))
    with pytest.raises(ClientError):
        aws.client("ec2").modify_image_attribute(ImageId=image, LaunchPermission={"Add": [{"Group": "all"}]})


@source(GUIDE, "Share an AMI: you can't share an AMI encrypted by an AWS managed key")
def test_an_ami_encrypted_by_the_default_key_is_not_shared(aws: Contract) -> None:
    image = registered(aws, snapshot(aws, Encrypted=True))
    with pytest.raises(ClientError, match="InvalidParameter"):
        aws.client("ec2").modify_image_attribute(ImageId=image, LaunchPermission={"Add": [{"UserId": "111122223333"}]})


@source(API, "ModifySnapshotAttribute: encrypted snapshots cannot be made public")
def test_an_encrypted_snapshot_is_not_made_public(aws: Contract) -> None:
    with pytest.raises(ClientError):
        aws.client("ec2").modify_snapshot_attribute(
            SnapshotId=snapshot(aws, Encrypted=True), OperationType="add", GroupNames=["all"]
        )


@source(API, "ModifySnapshotAttribute: snapshots encrypted with your default KMS key cannot be shared")
def test_a_snapshot_encrypted_by_the_default_key_is_not_shared(aws: Contract) -> None:
    with pytest.raises(ClientError):
        aws.client("ec2").modify_snapshot_attribute(
            SnapshotId=snapshot(aws, Encrypted=True), OperationType="add", UserIds=["111122223333"]
        )


@source(API, "ModifySnapshotAttribute: you cannot add and remove in a single operation")
def test_permissions_of_a_snapshot_are_added_or_removed(aws: Contract) -> None:
    both = {"Add": [{"UserId": "111122223333"}], "Remove": [{"UserId": "444455556666"}]}
    with pytest.raises(ClientError):
        aws.client("ec2").modify_snapshot_attribute(SnapshotId=snapshot(aws), CreateVolumePermission=both)


@source(API, "ResetSnapshotAttribute, createVolumePermission")
def test_permissions_of_a_snapshot_can_be_reset(aws: Contract) -> None:
    ec2, kept = aws.client("ec2"), snapshot(aws)
    ec2.modify_snapshot_attribute(SnapshotId=kept, OperationType="add", UserIds=["111122223333"])
    ec2.reset_snapshot_attribute(SnapshotId=kept, Attribute="createVolumePermission")
    shown = ec2.describe_snapshot_attribute(SnapshotId=kept, Attribute="createVolumePermission")
    assert shown["CreateVolumePermissions"] == []
