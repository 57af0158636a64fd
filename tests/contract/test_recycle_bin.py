"""What the Recycle Bin keeps, and how it is restored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.images import described, registered, snapshot
from tests.contract.source import source

if TYPE_CHECKING:
    from tests.contract.conftest import Contract

API, GUIDE, EC2 = "Recycle Bin API Reference", "Amazon EBS User Guide", "Amazon EC2 API Reference"
DAY = {"RetentionPeriodValue": 1, "RetentionPeriodUnit": "DAYS"}


def rule(aws: Contract, kind: str = "EC2_IMAGE", **options: Any) -> str:
    """A rule for what is tagged with the name of the contract's rule, so that it keeps nothing else."""
    rbin = aws.client("rbin")
    tags = [{"ResourceTagKey": "contract", "ResourceTagValue": aws.name}]
    asked = {"ResourceType": kind, "RetentionPeriod": DAY, "ResourceTags": tags} | options
    made: str = rbin.create_rule(**asked)["Identifier"]
    aws.later(rbin.delete_rule, Identifier=made)
    return made


def tagged(aws: Contract, resource: str) -> str:
    aws.client("ec2").create_tags(Resources=[resource], Tags=[{"Key": "contract", "Value": aws.name}])
    return resource


@source(API, "CreateRule, GetRule")
def test_a_rule_can_be_read(aws: Contract) -> None:
    shown = aws.client("rbin").get_rule(Identifier=rule(aws, Description="for tests"))
    assert (shown["ResourceType"], shown["RetentionPeriod"], shown["Description"]) == ("EC2_IMAGE", DAY, "for tests")


@source(API, "ListRules, ResourceType")
def test_rules_are_listed_by_what_they_keep(aws: Contract) -> None:
    made, rbin = rule(aws), aws.client("rbin")
    listed = [
        {each["Identifier"] for each in rbin.list_rules(ResourceType=kind)["Rules"]}
        for kind in ("EC2_IMAGE", "EBS_SNAPSHOT")
    ]
    assert (made in listed[0], made in listed[1]) == (True, False)


@source(API, "CreateRule, RetentionPeriod: 1 - 365 days")
def test_nothing_is_kept_longer_than_a_year(aws: Contract) -> None:
    with pytest.raises(ClientError, match="ValidationException"):
        rule(aws, RetentionPeriod=DAY | {"RetentionPeriodValue": 366})


@source(API, "GetRule, ResourceNotFoundException")
def test_a_rule_that_is_not_there_is_not_found(aws: Contract) -> None:
    rbin = aws.client("rbin")
    with pytest.raises(rbin.exceptions.ResourceNotFoundException):
        rbin.get_rule(Identifier="abcdefghijk")


@source(API, "UpdateRule")
def test_a_rule_can_be_changed(aws: Contract) -> None:
    made, rbin = rule(aws), aws.client("rbin")
    rbin.update_rule(Identifier=made, RetentionPeriod=DAY | {"RetentionPeriodValue": 3})
    assert rbin.get_rule(Identifier=made)["RetentionPeriod"]["RetentionPeriodValue"] == 3


@source(API, "LockRule: you can't lock tag-level retention rules")
def test_a_rule_for_tags_is_not_locked(aws: Contract) -> None:
    lock = {"UnlockDelay": {"UnlockDelayValue": 7, "UnlockDelayUnit": "DAYS"}}
    with pytest.raises(ClientError):
        aws.client("rbin").lock_rule(Identifier=rule(aws), LockConfiguration=lock)


@source(EC2, "DeregisterImage: an AMI that matches a retention rule moves to the Recycle Bin")
def test_a_deregistered_ami_goes_into_the_bin(aws: Contract) -> None:
    rule(aws)
    image, ec2 = tagged(aws, registered(aws)), aws.client("ec2")
    ec2.deregister_image(ImageId=image)
    (binned,) = ec2.list_images_in_recycle_bin(ImageIds=[image])["Images"]
    restore(aws, image)
    assert (binned["RecycleBinExitTime"] - binned["RecycleBinEnterTime"]).days == 1


def restore(aws: Contract, image: str) -> None:
    aws.client("ec2").restore_image_from_recycle_bin(ImageId=image)
    aws.client("ec2").delete_tags(Resources=[image])


@source(EC2, "DeregisterImage: an AMI that matches no rule is permanently deleted")
def test_an_ami_that_no_rule_is_about_is_gone(aws: Contract) -> None:
    rule(aws)
    image, ec2 = registered(aws), aws.client("ec2")
    ec2.deregister_image(ImageId=image)
    assert ec2.list_images_in_recycle_bin(ImageIds=[image])["Images"] == []


@source(EC2, "RestoreImageFromRecycleBin; EBS User Guide: it keeps its attributes")
def test_an_ami_comes_back_with_its_tags_and_its_name(aws: Contract) -> None:
    rule(aws)
    image, ec2 = tagged(aws, registered(aws)), aws.client("ec2")
    before = described(aws, image)
    ec2.deregister_image(ImageId=image)
    assert ec2.restore_image_from_recycle_bin(ImageId=image)["Return"]
    after = described(aws, image)
    ec2.delete_tags(Resources=[image])
    assert (after["Name"], after["Tags"], after["State"]) == (before["Name"], before["Tags"], "available")


@source(GUIDE, "Recycle Bin: a deregistered AMI can't be used while it is in the Recycle Bin")
def test_an_ami_in_the_bin_is_not_launched(aws: Contract) -> None:
    rule(aws)
    image, ec2 = tagged(aws, registered(aws)), aws.client("ec2")
    ec2.deregister_image(ImageId=image)
    with pytest.raises(ClientError, match="InvalidAMIID"):
        ec2.run_instances(ImageId=image, InstanceType="t3.small", MinCount=1, MaxCount=1)
    restore(aws, image)


@source(GUIDE, "Recycle Bin: snapshots of an AMI in the Recycle Bin can't be deleted [inferred from the guide]")
def test_the_snapshot_of_an_ami_in_the_bin_stays(aws: Contract) -> None:
    rule(aws)
    kept, ec2 = snapshot(aws), aws.client("ec2")
    image = tagged(aws, registered(aws, kept))
    ec2.deregister_image(ImageId=image)
    with pytest.raises(ClientError, match=r"InvalidSnapshot\.InUse"):
        ec2.delete_snapshot(SnapshotId=kept)
    restore(aws, image)


@source(GUIDE, "Recycle Bin; RestoreSnapshotFromRecycleBin")
def test_a_deleted_snapshot_goes_into_the_bin_and_back(aws: Contract) -> None:
    rule(aws, "EBS_SNAPSHOT")
    kept, ec2 = tagged(aws, snapshot(aws)), aws.client("ec2")
    ec2.delete_snapshot(SnapshotId=kept)
    (binned,) = ec2.list_snapshots_in_recycle_bin(SnapshotIds=[kept])["Snapshots"]
    with pytest.raises(ClientError, match=r"InvalidSnapshot\.NotFound"):
        ec2.describe_snapshots(SnapshotIds=[kept])
    ec2.restore_snapshot_from_recycle_bin(SnapshotId=kept)
    ec2.delete_tags(Resources=[kept])
    assert binned["SnapshotId"] == kept
    assert ec2.describe_snapshots(SnapshotIds=[kept])["Snapshots"][0]["State"] == "completed"
