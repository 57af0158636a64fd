"""What rules about AMIs need: AMIs that cost nothing, one of a snapshot and one of a public AMI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.contract.conftest import Contract

#: Debian's account, whose AMIs are public (Debian wiki, "Cloud/AmazonEC2Image").
DEBIAN = "136693071363"


def snapshot(aws: Contract, region: str = "us-east-1", **options: Any) -> str:
    """A snapshot of an empty volume of 1 GiB."""
    ec2 = aws.client("ec2", region)
    volume = ec2.create_volume(AvailabilityZone=f"{region}a", Size=1, VolumeType="gp3", **options)["VolumeId"]
    aws.later(ec2.delete_volume, VolumeId=volume)
    ec2.get_waiter("volume_available").wait(VolumeIds=[volume], WaiterConfig={"Delay": 1})
    made: str = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    aws.later(_quietly, action=ec2.delete_snapshot, SnapshotId=made)
    ec2.get_waiter("snapshot_completed").wait(SnapshotIds=[made], WaiterConfig={"Delay": 2})
    return made


def registered(aws: Contract, of: str = "", name: str = "", region: str = "us-east-1", **options: Any) -> str:
    """An AMI of a snapshot, its own unless one is given; nothing boots from it."""
    ec2 = aws.client("ec2", region)
    mapping = {"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": of or snapshot(aws, region)}}
    image: str = ec2.register_image(
        Name=name or aws.fresh(),
        RootDeviceName="/dev/xvda",
        BlockDeviceMappings=[mapping],
        VirtualizationType="hvm",
        Architecture="x86_64",
        **options,
    )["ImageId"]
    aws.later(_quietly, action=ec2.deregister_image, ImageId=image)
    return image


def copied(aws: Contract, of: str, region: str = "us-east-1", source_region: str = "us-east-1", **options: Any) -> str:
    """A copy of an AMI in the caller's account, available."""
    ec2 = aws.client("ec2", region)
    image: str = ec2.copy_image(SourceImageId=of, SourceRegion=source_region, **{"Name": aws.fresh(), **options})[
        "ImageId"
    ]
    forget(aws, image, region)
    ec2.get_waiter("image_available").wait(ImageIds=[image], WaiterConfig={"Delay": 2})
    return image


def forget(aws: Contract, image: str, region: str = "us-east-1") -> None:
    """Deregister an AMI in the end, with its snapshots."""
    ec2 = aws.client("ec2", region)
    aws.later(_quietly, action=ec2.deregister_image, ImageId=image, DeleteAssociatedSnapshots=True)


def described(aws: Contract, image: str, region: str = "us-east-1", **options: Any) -> dict[str, Any]:
    """An AMI as DescribeImages shows it."""
    (shown,) = aws.client("ec2", region).describe_images(ImageIds=[image], **options)["Images"]
    return dict(shown)


def debian(aws: Contract, region: str = "us-east-1") -> str:
    """A public AMI of somebody else."""
    filters = [{"Name": "name", "Values": ["debian-12-amd64-2*"]}]
    found = aws.client("ec2", region).describe_images(Owners=[DEBIAN], Filters=filters)["Images"]
    return str(max(found, key=lambda each: str(each["CreationDate"]))["ImageId"])


def _quietly(action: Any, **arguments: Any) -> None:
    """Remove what a rule may have removed already."""
    try:
        action(**arguments)
    except action.__self__.exceptions.ClientError:
        return
