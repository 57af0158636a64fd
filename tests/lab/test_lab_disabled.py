"""A disabled AMI, as EC2 treats it and as the factory shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from orchestrator.aws.account import Account
from orchestrator.registry import State, find, versions
from orchestrator.tags import Tag

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.lab.settings import Settings
    from tests.lab.conftest import Bench

OTHER = "210987654321"


def listed(ec2: Any, **asked: Any) -> list[str]:
    return [str(image["State"]) for image in ec2.describe_images(**asked)["Images"]]


def test_an_ami_when_it_is_disabled_and_enabled_again(
    bench: Bench, lab: Settings, client: Callable[..., Any], debian: str, idle_ami: str
) -> None:
    """Nobody launches, copies or shares it, and only who asks for disabled ones sees it; later it is as before."""
    ec2 = client("ec2")
    account = Account(region="us-east-1", endpoint=lab.endpoint, access_key="test", secret_key="test")
    ami_id = ec2.copy_image(SourceImageId=idle_ami, SourceRegion="us-east-1", Name="to-disable")["ImageId"]
    tags = {Tag.IMAGE: "web", Tag.STATE: "validated", Tag.VERSION: "v"}
    ec2.create_tags(Resources=[ami_id], Tags=[{"Key": key, "Value": value} for key, value in tags.items()])

    def share() -> None:
        ec2.modify_image_attribute(ImageId=ami_id, LaunchPermission={"Add": [{"UserId": OTHER}]})

    def shared() -> list[Any]:
        told = ec2.describe_image_attribute(ImageId=ami_id, Attribute="launchPermission")
        return list(told["LaunchPermissions"])

    share()
    assert shared() == [{"UserId": OTHER}]
    ec2.disable_image(ImageId=ami_id)
    assert listed(ec2, ImageIds=[ami_id]) == []
    assert listed(ec2, Filters=[{"Name": "name", "Values": ["to-disable"]}]) == []
    assert listed(ec2, ImageIds=[ami_id], IncludeDisabled=True) == ["disabled"]
    assert shared() == []
    refused: list[Callable[[], Any]] = [
        lambda: ec2.run_instances(ImageId=ami_id, MinCount=1, MaxCount=1),
        lambda: ec2.copy_image(SourceImageId=ami_id, SourceRegion="us-east-1", Name="copy"),
        share,
    ]
    for call in refused:
        with pytest.raises(ClientError, match=r"InvalidAMIID\.Unavailable"):
            call()
    assert [one.state for one in versions(account, image="web")] == [find(account, ami_id).state] == [State.DISABLED]
    ec2.enable_image(ImageId=ami_id)
    assert (listed(ec2, ImageIds=[ami_id]), shared()) == (["available"], [])
    assert find(account, ami_id).state is State.VALIDATED
    with pytest.raises(ClientError, match="AuthFailure"):
        ec2.disable_image(ImageId=debian)
    bench.discard(ami_id)
