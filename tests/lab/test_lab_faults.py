"""The lab misbehaves as it is told to, and only then."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from orchestrator.aws.account import Account
from tests.cli.contract import printed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestrator.lab.settings import Settings

AMI = [sys.executable, "-m", "orchestrator.cli.main", "lab"]


@pytest.fixture(scope="module")
def once(lab: Settings) -> Iterator[Callable[[str], Any]]:
    """boto3 clients that ask once, so that each fault is seen."""
    made: dict[str, Any] = {}

    def get(service: str) -> Any:
        if service not in made:
            made[service] = boto3.client(  # type: ignore[call-overload] # of any service
                service,
                region_name="us-east-1",
                endpoint_url=lab.endpoint,
                aws_access_key_id="test",
                aws_secret_access_key="test",
                config=Config(retries={"total_max_attempts": 1}),
            )
        return made[service]

    yield get
    for each in made.values():
        each.close()


def refusal(call: Callable[..., Any], **arguments: Any) -> tuple[str, int]:
    """The code and status with which AWS says no; fails when it says yes."""
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    response: Any = refused.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def ami(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*AMI, *arguments], capture_output=True, text=True, check=False)


# -- throttling and errors -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "method", "arguments", "throttle", "error"),
    [
        ("ec2", "describe_instances", {}, ("RequestLimitExceeded", 503), ("InternalError", 500)),
        ("ec2", "run_instances", {"ImageId": "ami-1", "MinCount": 1, "MaxCount": 1},
         ("RequestLimitExceeded", 503), ("InternalError", 500)),
        ("ssm", "describe_instance_information", {}, ("ThrottlingException", 400), ("InternalServerError", 500)),
        ("ssm", "put_parameter", {"Name": "p", "Value": "v", "Type": "String"},
         ("ThrottlingException", 400), ("InternalServerError", 500)),
        ("s3", "list_buckets", {}, ("SlowDown", 503), ("InternalError", 500)),
        ("sts", "get_caller_identity", {}, ("Throttling", 400), ("InternalFailure", 500)),
        ("autoscaling", "describe_auto_scaling_groups", {}, ("Throttling", 400), ("InternalFailure", 500)),
    ],
)  # fmt: skip
def test_each_service_refuses_in_its_own_words(
    faults: Any, once: Any, service: str, method: str, arguments: Any, throttle: Any, error: Any
) -> None:
    """What the lab answers itself and what moto answers."""
    call = getattr(once(service), method)
    faults.set("throttle", 1)
    assert refusal(call, **arguments) == throttle
    faults.clear()
    faults.set("error", 1)
    assert refusal(call, **arguments) == error


def test_a_head_request_is_refused_without_a_body(faults: Any, once: Any) -> None:
    faults.set("throttle", 1, "s3:HeadBucket")
    assert refusal(once("s3").head_bucket, Bucket="ami-lab-artifacts") == ("503", 503)
    faults.clear()
    once("s3").head_bucket(Bucket="ami-lab-artifacts")


def test_a_throttled_call_has_no_effect_and_the_next_one_goes_through(faults: Any, once: Any) -> None:
    rule = faults.set("throttle", 1, "ssm:PutParameter", times=1)
    put = {"Name": "/faults/throttled", "Value": "1", "Type": "String"}
    assert refusal(once("ssm").put_parameter, **put)[0] == "ThrottlingException"
    assert once("ssm").get_parameters(Names=[put["Name"]])["Parameters"] == []
    once("ssm").put_parameter(**put)
    assert faults.hits(rule) == 1


def test_the_answer_of_half_of_the_errors_is_lost(faults: Any, once: Any) -> None:
    faults.set("error", 1, "ssm:PutParameter", seed=1)
    names = [f"/faults/lost/{number}" for number in range(40)]
    for name in names:
        refusal(once("ssm").put_parameter, Name=name, Value="1", Type="String")
    pages = once("ssm").get_paginator("get_parameters_by_path").paginate(Path="/faults/lost")
    written = {parameter["Name"] for page in pages for parameter in page["Parameters"]}
    assert 10 < len(written) < 30
    assert written < set(names)


def test_the_same_seed_gives_the_same_faults(faults: Any, once: Any) -> None:
    def sequence() -> list[bool]:
        faults.clear()
        faults.set("throttle", 0.3, "ec2:DescribeVpcs", seed=7)
        return [not _answered(once("ec2").describe_vpcs) for _ in range(30)]

    first = sequence()
    assert sequence() == first
    assert 0 < sum(first) < 30


def _answered(call: Callable[[], Any]) -> bool:
    with suppress(ClientError):
        call()
        return True
    return False


def test_a_client_that_retries_gets_through(lab: Settings, faults: Any, calls: Callable[[], dict[str, int]]) -> None:
    """With the number of attempts that the product's own clients have."""
    account = Account("us-east-1", endpoint=lab.endpoint, access_key="test", secret_key="test")
    rule = faults.set("throttle", 0.3, seed=2)
    before = calls().get("ec2:DescribeRegions", 0)
    for _ in range(5):
        account.client("ec2").describe_regions()
    assert calls()["ec2:DescribeRegions"] - before == 5 + faults.hits(rule) > 5
    account.client("ec2").close()


def test_latency_does_not_keep_others_waiting(faults: Any, once: Any) -> None:
    """The tables are not held meanwhile."""
    faults.set("latency", 6, "ec2:DescribeVpcs")
    with ThreadPoolExecutor(4) as pool:
        began = time.monotonic()
        slow = [pool.submit(once("ec2").describe_vpcs) for _ in range(4)]
        time.sleep(0.1)
        once("ec2").describe_subnets()
        assert not any(each.done() for each in slow)
        for each in slow:
            each.result()
    assert 6 <= time.monotonic() - began < 4 * 6


# -- launches ------------------------------------------------------------------------------------------------------


def launch(debian: str, instance_type: str = "t3.small", **more: Any) -> dict[str, Any]:
    return {"ImageId": debian, "InstanceType": instance_type, "MinCount": 1, "MaxCount": 1} | more


def test_capacity_lacks_for_one_type_only(faults: Any, once: Any, bench: Any, debian: str) -> None:
    rule = faults.set("capacity", instance_type="t3.small")
    assert refusal(once("ec2").run_instances, **launch(debian)) == ("InsufficientInstanceCapacity", 500)
    bench.launch(InstanceType="t3.medium")
    assert faults.hits(rule) == 1


def test_capacity_lacks_in_one_subnet_only(faults: Any, once: Any, bench: Any, debian: str) -> None:
    here, there = (subnet["SubnetId"] for subnet in once("ec2").describe_subnets()["Subnets"][:2])
    faults.set("capacity", subnet=here)
    assert refusal(once("ec2").run_instances, **launch(debian, SubnetId=here))[0] == "InsufficientInstanceCapacity"
    interface = {"DeviceIndex": 0, "SubnetId": here}
    with_interface = launch(debian, NetworkInterfaces=[interface])
    assert refusal(once("ec2").run_instances, **with_interface)[0] == "InsufficientInstanceCapacity"
    bench.launch(SubnetId=there)


def test_capacity_knows_the_type_of_a_launch_template(faults: Any, once: Any, debian: str) -> None:
    ec2 = once("ec2")
    ec2.create_launch_template(
        LaunchTemplateName="lacking", LaunchTemplateData={"ImageId": debian, "InstanceType": "t3.large"}
    )
    faults.set("capacity", instance_type="t3.large")
    asked = {"LaunchTemplate": {"LaunchTemplateName": "lacking"}, "MinCount": 1, "MaxCount": 1}
    assert refusal(ec2.run_instances, **asked)[0] == "InsufficientInstanceCapacity"
    ec2.delete_launch_template(LaunchTemplateName="lacking")


@pytest.mark.parametrize("behaviour", ["terminate", "stop"])
def test_a_machine_dies_in_its_time(faults: Any, bench: Any, behaviour: str) -> None:
    rule = faults.set("die", 3, times=1)
    doomed = bench.launch(InstanceInitiatedShutdownBehavior=behaviour)
    spared = bench.launch()
    gone = bench.wait(doomed, {"terminate": "terminated", "stop": "stopped"}[behaviour])
    assert gone["StateReason"]["Code"] == "Server.InternalError"
    assert bench.describe(spared)["State"]["Name"] == "running"
    assert faults.hits(rule) == 1


def test_a_machine_that_was_stopped_before_it_died_comes_back_on_another_host(
    faults: Any, ec2: Any, bench: Any
) -> None:
    faults.set("die", 12, times=1)
    spared = bench.launch()
    began = time.monotonic()
    ec2.stop_instances(InstanceIds=[spared])
    bench.wait(spared, "stopped")
    ec2.start_instances(InstanceIds=[spared])
    bench.wait(spared, "running")
    time.sleep(max(0.0, began + 14 - time.monotonic()))
    assert bench.describe(spared)["State"]["Name"] == "running"


def test_whatever_launches_a_machine_lets_it_die(
    faults: Any, client: Any, bench: Any, debian: str, eventually: Any
) -> None:
    """A group terminates the machine that stopped."""
    autoscaling = client("autoscaling")
    rule = faults.set("die", 1, times=1)
    name = "doomed"
    autoscaling.create_launch_configuration(LaunchConfigurationName=name, ImageId=debian, InstanceType="t3.small")
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=name, LaunchConfigurationName=name, MinSize=1, MaxSize=1, AvailabilityZones=["us-east-1a"]
    )
    named = {"AutoScalingGroupNames": [name]}
    instances = eventually(
        lambda: autoscaling.describe_auto_scaling_groups(**named)["AutoScalingGroups"][0]["Instances"], "an instance"
    )
    bench.wait(instances[0]["InstanceId"], "terminated")
    assert faults.hits(rule) == 1
    autoscaling.delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)
    eventually(lambda: not autoscaling.describe_auto_scaling_groups(**named)["AutoScalingGroups"], "the group's end")
    autoscaling.delete_launch_configuration(LaunchConfigurationName=name)


# -- ids that are not known yet ------------------------------------------------------------------------------------


def test_a_new_instance_is_unknown_for_a_while(faults: Any, once: Any, debian: str, eventually: Any) -> None:
    ec2 = once("ec2")
    rule = faults.set("consistency", 6)
    made = ec2.run_instances(**launch(debian))["Instances"][0]["InstanceId"]
    by_id = {"InstanceIds": [made]}
    wanted = {"Filters": [{"Name": "instance-id", "Values": [made]}]}
    assert refusal(ec2.describe_instances, **by_id) == ("InvalidInstanceID.NotFound", 400)
    assert refusal(ec2.terminate_instances, **by_id)[0] == "InvalidInstanceID.NotFound"
    assert refusal(ec2.create_tags, Resources=[made], Tags=[{"Key": "k", "Value": "v"}])[0].endswith("NotFound")
    assert ec2.describe_instances(**wanted)["Reservations"] == []
    assert faults.hits(rule) == 4
    eventually(lambda: ec2.describe_instances(**wanted)["Reservations"], made)
    ec2.terminate_instances(**by_id)
    ec2.get_waiter("instance_terminated").wait(**by_id, WaiterConfig={"Delay": 1})


def test_new_groups_and_keys_are_unknown_for_a_while(faults: Any, once: Any, debian: str, eventually: Any) -> None:
    """Packer gives both the same name; neither is in the way of the other."""
    ec2 = once("ec2")
    faults.set("consistency", 6)
    key = ec2.create_key_pair(KeyName="same")["KeyPairId"]
    group = ec2.create_security_group(GroupName="same", Description="d")["GroupId"]
    assert refusal(ec2.describe_key_pairs, KeyNames=["same"])[0] == "InvalidKeyPair.NotFound"
    assert refusal(ec2.describe_security_groups, GroupIds=[group])[0] == "InvalidGroup.NotFound"
    assert refusal(ec2.run_instances, **launch(debian, KeyName="same"))[0] == "InvalidKeyPair.NotFound"
    assert refusal(ec2.run_instances, **launch(debian, SecurityGroupIds=[group]))[0] == "InvalidGroup.NotFound"
    assert refusal(ec2.create_security_group, GroupName="same", Description="d")[0] == "InvalidGroup.Duplicate"
    assert group not in {each["GroupId"] for each in ec2.describe_security_groups()["SecurityGroups"]}
    assert key not in {each["KeyPairId"] for each in ec2.describe_key_pairs()["KeyPairs"]}
    eventually(lambda: group in {each["GroupId"] for each in ec2.describe_security_groups()["SecurityGroups"]}, group)
    ec2.delete_security_group(GroupId=group)
    ec2.delete_key_pair(KeyName="same")


def test_new_images_and_snapshots_are_unknown_for_a_while(
    faults: Any, bench: Any, debian: str, client: Callable[..., Any]
) -> None:
    ec2, far = client("ec2"), client("ec2", "eu-west-1")
    rule = faults.set("consistency", 20)
    copy = far.copy_image(SourceRegion="us-east-1", SourceImageId=debian, Name="a young copy")["ImageId"]
    assert refusal(far.describe_images, ImageIds=[copy]) == ("InvalidAMIID.NotFound", 400)
    assert far.describe_images(Owners=["self"])["Images"] == []
    assert far.describe_snapshots(OwnerIds=["self"])["Snapshots"] == []
    # Another region knows nothing of it, and what is old is known.
    assert ec2.describe_images(ImageIds=[debian])["Images"]
    assert faults.hits(rule) == 3
    faults.clear()
    bench.discard(copy, "eu-west-1")


# -- images --------------------------------------------------------------------------------------------------------


def test_a_copy_is_slow(faults: Any, debian: str, client: Callable[..., Any], bench: Any, eventually: Any) -> None:
    far = client("ec2", "eu-west-1")
    faults.set("slow-image", 5, "ec2:CopyImage")
    began = time.monotonic()
    copy = far.copy_image(SourceRegion="us-east-1", SourceImageId=debian, Name="a slow copy")["ImageId"]
    (found,) = far.describe_images(ImageIds=[copy])["Images"]
    assert found["State"] == "pending"
    eventually(lambda: far.describe_images(ImageIds=[copy])["Images"][0]["State"] == "available", copy)
    assert time.monotonic() - began > 5
    bench.discard(copy, "eu-west-1")


def test_an_image_of_a_machine_is_slow(faults: Any, ec2: Any, bench: Any) -> None:
    instance = bench.launch()
    faults.set("slow-image", 3, "ec2:CreateImage")
    began = time.monotonic()
    image = bench.image(instance, "a slow image", NoReboot=True)
    assert time.monotonic() - began > 3
    snapshot = ec2.describe_images(ImageIds=[image])["Images"][0]["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
    faults.clear()
    faults.set("slow-image", 20, "ec2:RegisterImage")
    disk = {"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot}}
    made = ec2.register_image(Name="slowly registered", RootDeviceName="/dev/xvda", BlockDeviceMappings=[disk])
    (found,) = ec2.describe_images(ImageIds=[made["ImageId"]])["Images"]
    assert found["State"] == "pending"
    ec2.deregister_image(ImageId=made["ImageId"])
    bench.discard(image)


# -- the command ---------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("faults")
def test_the_command_sets_lists_and_clears(lab: Settings, once: Any) -> None:
    assert ami("faults", "set", "throttle", "100%", "-o", "ec2:Describe*", "--name", lab.name).returncode == 0
    refusal(once("ec2").describe_vpcs)
    (told,) = printed(ami("faults", "list", "--json", "--name", lab.name).stdout)["rules"]
    assert (told["kind"], told["value"], told["operations"]) == ("throttle", 1.0, ["ec2:Describe*"])
    assert (told["met"], told["hits"], told["spent"]) == (1, 1, False)
    assert "throttle 100%" in ami("faults", "list", "--name", lab.name).stdout
    assert ami("faults", "clear", str(told["rule"]), "--name", lab.name).returncode == 0
    once("ec2").describe_vpcs()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("set", "throtle", "0.3"), "did you mean 'throttle'?"),
        (("set", "throttle"), "'throttle' needs RATE"),
        (("set", "throttle", "lots"), "'lots' is no RATE"),
        (("set", "capacity", "3"), "'capacity' takes no number"),
        (("set", "error", "5%", "-o", "ec2:RunInstance"), "did you mean 'RunInstances'?"),
        (("clear", "99"), "there is no rule 99"),
    ],
)
def test_what_was_typed_wrong_ends_with_2(lab: Settings, arguments: tuple[str, ...], said: str) -> None:
    done = ami("faults", *arguments, "--name", lab.name)
    assert done.returncode == 2
    assert said in done.stderr


@pytest.mark.parametrize("arguments", [("set", "capacity"), ("list",), ("clear",)])
def test_a_lab_that_is_not_up_ends_with_3(arguments: tuple[str, ...]) -> None:
    done = ami("faults", *arguments, "--name", "never-up")
    assert done.returncode == 3
    assert "the lab 'never-up' is not up" in done.stderr


def test_status_tells_how_many_calls_were_answered(lab: Settings, once: Any, calls: Any) -> None:
    before = calls()
    once("ec2").describe_vpcs()
    once("s3").list_buckets()
    told = printed(ami("status", "--json", "--name", lab.name).stdout)["calls"]
    fresh = {name: count - before.get(name, 0) for name, count in told.items() if count != before.get(name)}
    assert fresh == {"ec2:DescribeVpcs": 1, "s3:ListBuckets": 1}


# -- of regions, accounts and resources ----------------------------------------------------------------------------


def elsewhere(once: Any, region: str, service: str = "ec2") -> Any:
    """A client of another region that asks once."""
    made = once(service)
    return boto3.client(  # type: ignore[call-overload] # of any service
        service,
        region_name=region,
        endpoint_url=made.meta.endpoint_url,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )


def test_a_region_that_is_cut_off_does_not_answer_and_the_others_do(faults: Any, once: Any) -> None:
    faults.set("cut-off", 0, region="eu-*")
    with pytest.raises(ConnectionClosedError):
        elsewhere(once, "eu-west-1").describe_vpcs()
    assert elsewhere(once, "us-west-2").describe_vpcs()["Vpcs"]
    faults.clear()
    assert elsewhere(once, "eu-west-1").describe_vpcs()["Vpcs"]


def test_a_region_can_lack_a_service(faults: Any, once: Any) -> None:
    faults.set("cut-off", 0, "sqs:*", region="us-west-2")
    with pytest.raises(ConnectionClosedError):
        elsewhere(once, "us-west-2", "sqs").list_queues()
    assert elsewhere(once, "us-west-2").describe_vpcs()["Vpcs"]


def test_a_fault_may_be_of_one_parameter_alone(faults: Any, once: Any) -> None:
    faults.set("deny", 0, "ssm:PutParameter", resource="/faults/one")
    put = {"Value": "1", "Type": "String", "Overwrite": True}
    assert refusal(once("ssm").put_parameter, Name="/faults/one", **put)[0] == "AccessDeniedException"
    once("ssm").put_parameter(Name="/faults/one-more", **put)


def test_temporary_credentials_expire_and_others_do_not(faults: Any, once: Any) -> None:
    everybody = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [everybody]})
    role = once("iam").create_role(RoleName="faults", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    may_look = {"Effect": "Allow", "Action": "ssm:DescribeParameters", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [may_look]})
    once("iam").put_role_policy(RoleName="faults", PolicyName="look", PolicyDocument=policy)
    keys = once("sts").assume_role(RoleArn=role, RoleSessionName="faults")["Credentials"]
    session = boto3.client(
        "ssm",
        region_name="us-east-1",
        endpoint_url=once("sts").meta.endpoint_url,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        config=Config(retries={"total_max_attempts": 1}),
    )
    session.describe_parameters()
    faults.set("expired")
    assert refusal(session.describe_parameters) == ("ExpiredTokenException", 400)
    once("ssm").describe_parameters()
