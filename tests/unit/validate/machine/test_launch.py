from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from orchestrator.aws.account import Account
from orchestrator.aws.placement import Placement
from orchestrator.errors import AmiError, LackError
from orchestrator.progress import ignore
from orchestrator.validate.errors import BootFailed
from orchestrator.validate.machine.boot import Boot
from orchestrator.validate.machine.launch import launch_refused, launch_request, security_group_request
from orchestrator.validate.machine.remembered import remembered
from orchestrator.validate.request import ImageFacts, ValidateRequest

REQUEST = ValidateRequest(
    account=Account("eu-west-1"),
    ami_id="ami-1",
    image=ImageFacts("web", "v1", (), ()),
    tests=(),
    run="run-1",
    folder=Path("/nowhere"),
    placement=Placement((("t3.small", "subnet-1"),), profile="profile"),
    tags={"team": "portal", "ami:purpose": "fun"},
)

PLACE = ("t3.small", "subnet-1")
KEYS = Account("eu-west-1", access_key="test", secret_key="test")


def test_everything_is_tagged_when_it_is_made() -> None:
    specifications = launch_request(REQUEST, "sg-1", PLACE, token="t")["TagSpecifications"]
    specifications += security_group_request(REQUEST, "vpc-1")["TagSpecifications"]
    assert [one["ResourceType"] for one in specifications] == ["instance", "volume", "security-group"]
    for one in specifications:
        tags = {tag["Key"]: tag["Value"] for tag in one["Tags"]}
        expected = {"ami:run": "run-1", "ami:image": "web", "ami:purpose": "validate", "team": "portal"}
        assert tags == {**expected, "Name": "ami validate web"}


@pytest.mark.parametrize("keep", [True, False])
def test_what_is_to_be_kept_says_so(*, keep: bool) -> None:
    """The sweep must know it from what was left by accident."""
    wanted = replace(REQUEST, keep=keep)
    specifications = launch_request(wanted, "sg-1", PLACE, token="t")["TagSpecifications"]
    specifications += security_group_request(wanted, "vpc-1")["TagSpecifications"]
    kept = [{"Key": "ami:keep", "Value": "true"} in one["Tags"] for one in specifications]
    assert kept == [keep] * 3


def test_the_machine_has_a_profile_and_no_key() -> None:
    wanted = launch_request(REQUEST, "sg-1", PLACE, token="t")
    assert wanted["IamInstanceProfile"] == {"Name": "profile"}
    assert wanted["InstanceInitiatedShutdownBehavior"] == "terminate"
    assert wanted["MetadataOptions"]["HttpTokens"] == "required"
    assert wanted["SecurityGroupIds"] == ["sg-1"]
    assert "KeyName" not in wanted


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        ("InvalidAMIID.NotFound", LackError, "there is no AMI ami-1 in eu-west-1"),
        ("InsufficientInstanceCapacity", BootFailed, "no capacity for t3.small"),
        ("VcpuLimitExceeded", BootFailed, "limit in eu-west-1"),
        ("UnauthorizedOperation", LackError, "UnauthorizedOperation"),
    ],
)
def test_a_refusal_says_what_to_do(code: str, kind: type[AmiError], said: str) -> None:
    refused = launch_refused(ClientError({"Error": {"Code": code, "Message": "no"}}, "RunInstances"), REQUEST, [PLACE])
    assert isinstance(refused, kind)
    assert said in refused.message


def refusing(stubber: Stubber, code: str) -> None:
    """The next RunInstances is refused."""
    stubber.add_client_error("run_instances", code, http_status_code=500)


def test_a_machine_goes_where_there_is_room() -> None:
    told: list[str] = []
    request = replace(REQUEST, account=replace(KEYS), placement=Placement((PLACE, ("m5.large", "subnet-2"))))
    with Stubber(request.account.client("ec2")) as stubber:
        refusing(stubber, "InsufficientInstanceCapacity")
        stubber.add_response("run_instances", {"Instances": [{"InstanceId": "i-1"}]})
        made = Boot(request, lambda event: told.append(event.message))._launch("sg-1")
        stubber.assert_no_pending_responses()
    assert made["Instances"][0]["InstanceId"] == "i-1"
    assert told[-1] == "ami-1 as m5.large in subnet-2"


def test_every_place_without_room_is_named() -> None:
    request = replace(REQUEST, account=replace(KEYS), placement=Placement((PLACE, ("m5.large", "subnet-2"))))
    with Stubber(request.account.client("ec2")) as stubber:
        refusing(stubber, "InsufficientInstanceCapacity")
        refusing(stubber, "Unsupported")
        with pytest.raises(BootFailed, match=r"no capacity for t3\.small in subnet-1, m5\.large in subnet-2"):
            Boot(request, ignore)._launch("sg-1")


def test_what_is_being_made_when_ctrl_c_comes_is_still_known() -> None:
    begun = threading.Event()

    def make() -> str:
        begun.set()
        time.sleep(0.2)
        return "i-1"

    removed: list[str] = []

    def interrupted() -> None:
        with remembered(make) as made:
            try:
                begun.wait()
                raise KeyboardInterrupt
            finally:
                if made.exception() is None:
                    removed.append(made.result())

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert removed == ["i-1"]
