"""How AMIs and snapshots are shared with accounts, units and organisations, and what comes of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.images import copied, debian, described, registered, snapshot
from tests.contract.keys import TO_LAUNCH, key, policy
from tests.contract.source import source
from tests.waiting import until

if TYPE_CHECKING:
    from tests.contract.conftest import Contract, Member

API, GUIDE = "Amazon EC2 API Reference", "Amazon EC2 User Guide"


def share(aws: Contract, image: str, *who: dict[str, str]) -> None:
    aws.client("ec2").modify_image_attribute(ImageId=image, LaunchPermission={"Add": list(who)})


def sees(member: Member, image: str, **options: Any) -> bool:
    filters = [{"Name": "image-id", "Values": [image]}]
    return bool(member.client("ec2").describe_images(Filters=filters, **options)["Images"])


def storage(aws: Contract, image: str) -> str:
    return str(described(aws, image)["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"])


def place(aws: Contract, member: Member) -> tuple[str, str]:
    """The ARNs of the organisation of an account and of its unit; skips when it has none."""
    organizations = aws.client("organizations")
    parent = organizations.list_parents(ChildId=member.account)["Parents"][0]
    if parent["Type"] != "ORGANIZATIONAL_UNIT":
        pytest.skip("the account is in no organizational unit")
    unit = organizations.describe_organizational_unit(OrganizationalUnitId=parent["Id"])["OrganizationalUnit"]
    return str(organizations.describe_organization()["Organization"]["Arn"]), str(unit["Arn"])


@source(GUIDE, "Shared AMI usage; DescribeImages: images for which you have launch permissions")
def test_a_private_ami_is_not_seen_by_others(aws: Contract) -> None:
    image, member = registered(aws), aws.member()
    assert not sees(member, image)
    with pytest.raises(ClientError, match=r"InvalidAMIID\.NotFound"):
        member.client("ec2").describe_images(ImageIds=[image])


@source(GUIDE, "Share an AMI with specific AWS accounts")
def test_an_ami_is_seen_by_the_account_that_it_is_shared_with(aws: Contract) -> None:
    image, member, other = registered(aws), aws.member(1), aws.member(2)
    share(aws, image, {"UserId": member.account})
    assert (sees(member, image), sees(other, image)) == (True, False)


@source(API, "DescribeImages, Owners: account ids")
def test_a_shared_ami_is_found_by_its_owner(aws: Contract, account: str) -> None:
    image, member = registered(aws), aws.member()
    share(aws, image, {"UserId": member.account})
    assert (sees(member, image, Owners=[account]), sees(member, image, Owners=["self"])) == (True, False)


@source(API, "DescribeImages, ExecutableUsers: self")
def test_a_shared_ami_is_found_by_its_permission(aws: Contract) -> None:
    image, member = registered(aws), aws.member()
    share(aws, image, {"UserId": member.account})
    assert sees(member, image, ExecutableUsers=["self"])


@source(API, "DescribeImages, ExecutableUsers: an account id that is not your own")
def test_an_owner_finds_what_is_shared_with_an_account(aws: Contract) -> None:
    image, other, member = registered(aws), registered(aws), aws.member()
    share(aws, image, {"UserId": member.account})
    filters = [{"Name": "image-id", "Values": [image, other]}]
    found = aws.client("ec2").describe_images(ExecutableUsers=[member.account], Filters=filters)["Images"]
    assert [each["ImageId"] for each in found] == [image]


@source(API, "ModifyImageAttribute, LaunchPermission.Remove")
def test_a_share_can_be_taken_back(aws: Contract) -> None:
    image, member = registered(aws), aws.member()
    share(aws, image, {"UserId": member.account})
    permission = {"Remove": [{"UserId": member.account}]}
    aws.client("ec2").modify_image_attribute(ImageId=image, LaunchPermission=permission)
    assert not sees(member, image)


@source(GUIDE, "Share an AMI with organizations and organizational units")
def test_an_ami_is_shared_with_an_organisation(aws: Contract) -> None:
    image, member = registered(aws), aws.member()
    organization, _ = place(aws, member)
    share(aws, image, {"OrganizationArn": organization})
    assert sees(member, image)


@source(GUIDE, "Share an AMI with organizations and organizational units")
def test_an_ami_is_shared_with_the_accounts_of_a_unit(aws: Contract) -> None:
    image, member, other = registered(aws), aws.member(1), aws.member(2)
    _, unit = place(aws, member)
    _, another = place(aws, other)
    if unit == another:
        pytest.skip("both accounts are in one unit")
    share(aws, image, {"OrganizationalUnitArn": unit})
    assert (sees(member, image), sees(other, image)) == (True, False)


@source(API, "DescribeImages, ExecutableUsers: of another account, not what is shared with its organization")
def test_what_an_organisation_gets_is_not_shared_with_its_account(aws: Contract) -> None:
    image, member = registered(aws), aws.member()
    organization, _ = place(aws, member)
    share(aws, image, {"OrganizationArn": organization})
    filters = [{"Name": "image-id", "Values": [image]}]
    mine = aws.client("ec2").describe_images(ExecutableUsers=[member.account], Filters=filters)["Images"]
    assert (mine, sees(member, image, ExecutableUsers=["self"])) == ([], True)


@source(API, "ModifyImageAttribute, Attribute, OperationType, OrganizationArns, OrganizationalUnitArns")
def test_all_entities_of_a_list_get_the_ami(aws: Contract) -> None:
    image, member = registered(aws), aws.member()
    organization, unit = place(aws, member)
    ec2 = aws.client("ec2")
    ec2.modify_image_attribute(
        ImageId=image,
        Attribute="launchPermission",
        OperationType="add",
        UserIds=[member.account, aws.member(2).account],
        OrganizationArns=[organization],
        OrganizationalUnitArns=[unit],
    )
    shown = ec2.describe_image_attribute(ImageId=image, Attribute="launchPermission")["LaunchPermissions"]
    assert len(shown) == 4


@source("Amazon EC2 quotas", "AMI sharing: 1,000 entities with which an AMI can be shared in a Region")
def test_an_ami_is_shared_with_a_thousand_at_most(aws: Contract) -> None:
    accounts = [{"UserId": str(100_000_000_000 + number)} for number in range(1_001)]
    with pytest.raises(ClientError):
        share(aws, registered(aws), *accounts)


@source(GUIDE, "Share an AMI: tags are not shared (AMI permissions, user-defined tags)")
def test_tags_of_an_ami_are_its_owners(aws: Contract) -> None:
    image, member = registered(aws), aws.member()
    aws.client("ec2").create_tags(Resources=[image], Tags=[{"Key": "team", "Value": "web"}])
    share(aws, image, {"UserId": member.account})
    (shown,) = member.client("ec2").describe_images(ImageIds=[image])["Images"]
    assert shown.get("Tags", []) == []


@source(API, "Error codes, AuthFailure; ModifyImageAttribute is for the owner")
def test_an_ami_of_others_is_not_changed(aws: Contract) -> None:
    image, member = registered(aws), aws.member()
    share(aws, image, {"UserId": member.account})
    with pytest.raises(ClientError, match="AuthFailure"):
        member.client("ec2").modify_image_attribute(ImageId=image, Description={"Value": "mine"})


@source(API, "DisableImage: only the AMI owner can disable an AMI")
def test_an_ami_of_others_is_not_disabled(aws: Contract) -> None:
    image, member = registered(aws), aws.member()
    share(aws, image, {"UserId": member.account})
    with pytest.raises(ClientError, match="AuthFailure"):
        member.client("ec2").disable_image(ImageId=image)


@source(API, "DisableImage: accounts, organizations and units lose access to the disabled AMI")
def test_a_disabled_ami_is_lost_to_others(aws: Contract) -> None:
    image, member = registered(aws), aws.member()
    share(aws, image, {"UserId": member.account})
    aws.client("ec2").disable_image(ImageId=image)
    assert not sees(member, image, IncludeDisabled=True)


@source(API, "DescribeImages, IncludeDeprecated")
def test_a_deprecated_ami_is_seen_by_others_only_when_asked(aws: Contract) -> None:
    image, member = registered(aws), aws.member()
    share(aws, image, {"UserId": member.account})
    aws.client("ec2").enable_image_deprecation(ImageId=image, DeprecateAt=datetime.now(UTC))

    def has_come() -> bool:
        """EC2 rounds to the minute, which may be the next one."""
        said = str(described(aws, image).get("DeprecationTime", ""))
        return "" < said <= datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")

    until(has_come, "the minute of the deprecation", pause=1)
    assert (sees(member, image), sees(member, image, IncludeDeprecated=True)) == (False, True)


@source(API, "CancelImageLaunchPermission")
def test_an_account_can_give_a_share_back(aws: Contract) -> None:
    image, member = registered(aws), aws.member()
    share(aws, image, {"UserId": member.account})
    assert member.client("ec2").cancel_image_launch_permission(ImageId=image)["Return"]
    assert not sees(member, image)


@source(API, "Error codes, InvalidAMIID.NotFound; RunInstances needs a launch permission (EC2 User Guide)")
def test_an_ami_that_is_not_shared_is_not_launched(aws: Contract) -> None:
    image = copied(aws, debian(aws))
    with pytest.raises(ClientError, match=r"InvalidAMIID\.NotFound"):
        aws.member().client("ec2").run_instances(ImageId=image, InstanceType="t3.small", MinCount=1, MaxCount=1)


@source(GUIDE, "Copy an AMI: of a shared one, the owner must grant you read permissions for the storage")
def test_a_shared_ami_is_not_copied_without_its_snapshot(aws: Contract) -> None:
    image, member = registered(aws), aws.member()
    share(aws, image, {"UserId": member.account})
    with pytest.raises(ClientError, match="permission to access the storage"):
        member.client("ec2").copy_image(SourceImageId=image, SourceRegion="us-east-1", Name=aws.fresh())


@source(GUIDE, "Copy an AMI: of a shared one, the owner must grant you read permissions for the storage")
def test_a_shared_ami_is_copied_with_its_snapshot(aws: Contract) -> None:
    image, member = registered(aws), aws.member()
    share(aws, image, {"UserId": member.account})
    aws.client("ec2").modify_snapshot_attribute(
        SnapshotId=storage(aws, image), OperationType="add", UserIds=[member.account]
    )
    theirs = member.client("ec2", "eu-west-1")
    made = theirs.copy_image(SourceImageId=image, SourceRegion="us-east-1", Name=aws.fresh())["ImageId"]
    aws.later(theirs.deregister_image, ImageId=made, DeleteAssociatedSnapshots=True)
    (shown,) = theirs.describe_images(ImageIds=[made])["Images"]
    assert (shown["OwnerId"], shown["SourceImageId"]) == (member.account, image)


@source(API, "CopyImage, CopyImageTags: tags of other accounts are not copied, except ec2:SharedTag/")
def test_a_copy_takes_no_tags_of_other_accounts(aws: Contract) -> None:
    image, member, ec2 = registered(aws), aws.member(), aws.client("ec2")
    ec2.create_tags(Resources=[image], Tags=[{"Key": "team", "Value": "web"}])
    share(aws, image, {"UserId": member.account})
    ec2.modify_snapshot_attribute(SnapshotId=storage(aws, image), OperationType="add", UserIds=[member.account])
    theirs = member.client("ec2")
    made = theirs.copy_image(SourceImageId=image, SourceRegion="us-east-1", Name=aws.fresh(), CopyImageTags=True)[
        "ImageId"
    ]
    aws.later(theirs.deregister_image, ImageId=made, DeleteAssociatedSnapshots=True)
    assert theirs.describe_images(ImageIds=[made])["Images"][0].get("Tags", []) == []


@source("Amazon EBS User Guide", "Share an Amazon EBS snapshot")
def test_a_shared_snapshot_becomes_a_volume_of_another_account(aws: Contract) -> None:
    kept, member = snapshot(aws), aws.member()
    theirs = member.client("ec2")
    with pytest.raises(ClientError, match=r"InvalidSnapshot\.NotFound"):
        theirs.create_volume(SnapshotId=kept, AvailabilityZone="us-east-1a", VolumeType="gp3")
    aws.client("ec2").modify_snapshot_attribute(SnapshotId=kept, OperationType="add", UserIds=[member.account])
    volume = theirs.create_volume(SnapshotId=kept, AvailabilityZone="us-east-1a", VolumeType="gp3")
    aws.later(theirs.delete_volume, VolumeId=volume["VolumeId"])
    assert (volume["SnapshotId"], volume["Size"]) == (kept, 1)


@source(API, "DescribeSnapshots, RestorableByUserIds: self")
def test_a_shared_snapshot_is_listed_for_the_account(aws: Contract) -> None:
    kept, member = snapshot(aws), aws.member()
    theirs = member.client("ec2")
    aws.client("ec2").modify_snapshot_attribute(SnapshotId=kept, OperationType="add", UserIds=[member.account])
    (shown,) = theirs.describe_snapshots(SnapshotIds=[kept], RestorableByUserIds=["self"])["Snapshots"]
    assert shown["OwnerId"] != member.account


@source("Amazon EBS User Guide", "Share an Amazon EBS snapshot: a shared one is copied into the account")
def test_a_snapshot_is_copied_when_it_is_shared(aws: Contract) -> None:
    kept, member = snapshot(aws), aws.member()
    theirs = member.client("ec2")
    with pytest.raises(ClientError, match=r"InvalidSnapshot\.NotFound"):
        theirs.copy_snapshot(SourceSnapshotId=kept, SourceRegion="us-east-1")
    aws.client("ec2").modify_snapshot_attribute(SnapshotId=kept, OperationType="add", UserIds=[member.account])
    made = theirs.copy_snapshot(SourceSnapshotId=kept, SourceRegion="us-east-1")["SnapshotId"]
    aws.later(theirs.delete_snapshot, SnapshotId=made)
    assert made != kept


@source(GUIDE, "Copy an AMI, Encryption: the KMS key must be accessible to whoever copies")
def test_a_copy_of_an_encrypted_ami_needs_its_key(aws: Contract, account: str) -> None:
    member, ec2 = aws.member(), aws.client("ec2")
    arn = key(aws)
    image = copied(aws, registered(aws), Encrypted=True, KmsKeyId=arn)
    share(aws, image, {"UserId": member.account})
    ec2.modify_snapshot_attribute(SnapshotId=storage(aws, image), OperationType="add", UserIds=[member.account])
    assert copy_state(aws, member, image) == "failed"
    other = f"arn:aws:iam::{member.account}:root"
    aws.client("kms").put_key_policy(KeyId=arn, PolicyName="default", Policy=policy(account, other))
    assert copy_state(aws, member, image) == "available"


def copy_state(aws: Contract, member: Member, image: str) -> str:
    """The state in which the copy of a member's ends."""
    theirs = member.client("ec2")
    made = theirs.copy_image(SourceImageId=image, SourceRegion="us-east-1", Name=aws.fresh())["ImageId"]
    aws.later(theirs.deregister_image, ImageId=made, DeleteAssociatedSnapshots=True)
    waiter = theirs.get_waiter("image_available")
    try:
        waiter.wait(ImageIds=[made], WaiterConfig={"Delay": 2})
    except Exception:  # noqa: BLE001 - the state says why
        return str(theirs.describe_images(ImageIds=[made])["Images"][0]["State"])
    return "available"


@source(GUIDE, "Share an AMI: you do not need to share the snapshots; Allow accounts to use the KMS keys")
@pytest.mark.parametrize("key_is_open", [False, True], ids=["closed", "open"])
def test_an_encrypted_ami_is_launched_by_whoever_may_use_its_key(
    aws: Contract, account: str, *, key_is_open: bool
) -> None:
    member = aws.member()
    others = (f"arn:aws:iam::{member.account}:root",) if key_is_open else ()
    arn = key(aws, Policy=policy(account, *others, actions=TO_LAUNCH))
    image = copied(aws, debian(aws), Encrypted=True, KmsKeyId=arn)
    share(aws, image, {"UserId": member.account})
    theirs = member.client("ec2")
    made = theirs.run_instances(ImageId=image, InstanceType="t3.small", MinCount=1, MaxCount=1)["Instances"][0]
    aws.later(theirs.terminate_instances, InstanceIds=[made["InstanceId"]])

    def begun() -> dict[str, Any] | None:
        (shown,) = theirs.describe_instances(InstanceIds=[made["InstanceId"]])["Reservations"][0]["Instances"]
        return dict(shown) if shown["State"]["Name"] in ("running", "terminated") else None

    shown = until(begun, "a machine that runs, or has ended", pause=1)
    reason = shown.get("StateReason", {}).get("Code", "")
    assert reason.startswith("" if key_is_open else "Client.")
    assert shown["State"]["Name"] == ("running" if key_is_open else "terminated")
