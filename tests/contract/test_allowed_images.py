"""Watermarks, Allowed AMIs, and what tells of an AMI's use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.images import copied, debian, described, registered
from tests.contract.source import source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.conftest import Contract

API, GUIDE = "Amazon EC2 API Reference", "Amazon EC2 User Guide"
#: The setting is one of a region: no other rule is held there.
REGION = "ap-southeast-2"


@pytest.fixture
def settings(aws: Contract) -> Iterator[Any]:
    """EC2 in a region whose setting these rules change."""
    ec2 = aws.client("ec2", REGION)
    yield ec2
    ec2.disable_allowed_images_settings()
    ec2.replace_image_criteria_in_allowed_images_settings(ImageCriteria=[])


def mark(aws: Contract, image: str, name: str = "approved") -> str:
    return str(aws.client("ec2").attach_image_watermark(ImageId=image, WatermarkName=name)["WatermarkKey"])


@source(API, "AttachImageWatermark, WatermarkKey: accountId:watermarkName")
def test_a_watermark_is_named_by_account_and_name(aws: Contract, account: str) -> None:
    image = registered(aws)
    assert mark(aws, image) == f"{account}:approved"
    (shown,) = described(aws, image)["ImageWatermarks"]
    assert (shown["WatermarkKey"], shown["SourceImageId"]) == (f"{account}:approved", image)


@source(API, "AttachImageWatermark: automatically propagates to derivative images created through CopyImage")
def test_a_copy_has_the_watermarks_of_its_source(aws: Contract) -> None:
    image = registered(aws)
    mark(aws, image)
    (shown,) = described(aws, copied(aws, image))["ImageWatermarks"]
    assert shown["SourceImageId"] == image


@source(API, "DetachImageWatermark: does not affect derivative images")
def test_a_watermark_that_is_detached_stays_on_copies(aws: Contract) -> None:
    image = registered(aws)
    key = mark(aws, image)
    made = copied(aws, image)
    aws.client("ec2").detach_image_watermark(ImageId=image, WatermarkKey=key)
    assert ("ImageWatermarks" in described(aws, image), "ImageWatermarks" in described(aws, made)) == (False, True)


@source(API, "DetachImageWatermark: succeeds even if the watermark does not exist")
def test_a_watermark_that_is_not_there_can_be_detached(aws: Contract, account: str) -> None:
    ec2 = aws.client("ec2")
    assert ec2.detach_image_watermark(ImageId=registered(aws), WatermarkKey=f"{account}:none-such")["Return"]


@source(GUIDE, "AMI watermarks: at most 5 for each AMI")
def test_an_ami_has_five_watermarks_at_most(aws: Contract) -> None:
    image = registered(aws)
    for number in range(5):
        mark(aws, image, f"mark-{number}")
    with pytest.raises(ClientError):
        mark(aws, image, "mark-6")


@source(API, "AttachImageWatermark: watermarks cannot be added to public AMIs; only the AMI owner can attach")
def test_an_ami_of_others_gets_no_watermark(aws: Contract) -> None:
    with pytest.raises(ClientError):
        mark(aws, debian(aws))


@source(API, "DescribeImages, Filters: image-watermark.watermark-key")
def test_amis_are_found_by_their_watermark(aws: Contract) -> None:
    image = registered(aws)
    filters = [{"Name": "image-watermark.watermark-key", "Values": [mark(aws, image, aws.name)]}]
    found = aws.client("ec2").describe_images(Owners=["self"], Filters=filters)["Images"]
    assert [each["ImageId"] for each in found] == [image]


@source(API, "GetAllowedImagesSettings, State, ManagedBy")
def test_all_amis_are_allowed_by_default(settings: Any) -> None:
    shown = settings.get_allowed_images_settings()
    assert (shown["State"], shown["ManagedBy"]) == ("disabled", "account")


@source(API, "DescribeImages: when Allowed AMIs is enabled, only allowed images are returned")
def test_an_ami_that_is_not_allowed_is_not_seen(aws: Contract, settings: Any) -> None:
    image = debian(aws, REGION)
    settings.replace_image_criteria_in_allowed_images_settings(ImageCriteria=[{"ImageProviders": ["amazon"]}])
    settings.enable_allowed_images_settings(AllowedImagesSettingsState="enabled")
    filters = [{"Name": "image-id", "Values": [image]}]
    assert settings.describe_images(Filters=filters)["Images"] == []


@source(GUIDE, "Allowed AMIs: only AMIs that match can be used to launch")
def test_an_ami_that_is_not_allowed_is_not_launched(aws: Contract, settings: Any) -> None:
    image = debian(aws, REGION)
    settings.replace_image_criteria_in_allowed_images_settings(ImageCriteria=[{"ImageProviders": ["amazon"]}])
    settings.enable_allowed_images_settings(AllowedImagesSettingsState="enabled")
    with pytest.raises(ClientError):
        settings.run_instances(ImageId=image, InstanceType="t3.small", MinCount=1, MaxCount=1)


@source(API, "ImageCriterionRequest, ImageProviders: a 12-digit account ID; Image, ImageAllowed")
def test_an_ami_of_an_allowed_provider_is_seen(aws: Contract, settings: Any) -> None:
    image = debian(aws, REGION)
    owner = settings.describe_images(ImageIds=[image])["Images"][0]["OwnerId"]
    settings.replace_image_criteria_in_allowed_images_settings(ImageCriteria=[{"ImageProviders": [owner]}])
    settings.enable_allowed_images_settings(AllowedImagesSettingsState="enabled")
    assert settings.describe_images(ImageIds=[image])["Images"][0]["ImageAllowed"]


@source(API, "EnableAllowedImagesSettings, audit-mode: no restrictions, but ImageAllowed tells")
def test_audit_mode_tells_and_lets_be(aws: Contract, settings: Any) -> None:
    image = debian(aws, REGION)
    settings.replace_image_criteria_in_allowed_images_settings(ImageCriteria=[{"ImageProviders": ["amazon"]}])
    settings.enable_allowed_images_settings(AllowedImagesSettingsState="audit-mode")
    assert settings.describe_images(ImageIds=[image])["Images"][0]["ImageAllowed"] is False


@source(API, "EnableAllowedImagesSettings: does not restrict the AMIs owned by your account")
def test_ones_own_amis_are_always_allowed(aws: Contract, settings: Any) -> None:
    image = registered(aws, region=REGION)
    settings.replace_image_criteria_in_allowed_images_settings(ImageCriteria=[{"ImageProviders": ["amazon"]}])
    settings.enable_allowed_images_settings(AllowedImagesSettingsState="enabled")
    assert settings.describe_images(ImageIds=[image])["Images"][0]["ImageAllowed"]


@source(API, "ReplaceImageCriteriaInAllowedImagesSettings: up to 10 ImageCriterion")
def test_there_are_ten_criteria_at_most(settings: Any) -> None:
    with pytest.raises(ClientError):
        settings.replace_image_criteria_in_allowed_images_settings(ImageCriteria=[{"ImageProviders": ["amazon"]}] * 11)


@source(GUIDE, "Allowed AMIs, ImageWatermarks: an AMI that carries a watermark of the criteria")
@pytest.mark.parametrize("marked", [True, False], ids=["marked", "unmarked"])
def test_a_shared_ami_is_allowed_by_its_watermark(aws: Contract, *, marked: bool) -> None:
    member, image = aws.member(), registered(aws, region=REGION)
    ec2, theirs = aws.client("ec2", REGION), member.client("ec2", REGION)
    key = ec2.attach_image_watermark(ImageId=image, WatermarkName="approved")["WatermarkKey"]
    ec2.modify_image_attribute(ImageId=image, LaunchPermission={"Add": [{"UserId": member.account}]})
    wanted = key if marked else f"{key}-more"
    criteria = [{"ImageWatermarks": [{"WatermarkKey": wanted}]}]
    theirs.replace_image_criteria_in_allowed_images_settings(ImageCriteria=criteria)
    aws.later(theirs.replace_image_criteria_in_allowed_images_settings, ImageCriteria=[])
    theirs.enable_allowed_images_settings(AllowedImagesSettingsState="enabled")
    aws.later(theirs.disable_allowed_images_settings)
    found = theirs.describe_images(Filters=[{"Name": "image-id", "Values": [image]}])["Images"]
    assert bool(found) is marked
