"""Machines follow instances, whoever launches them and whatever happens to them."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.lab.settings import Settings

pytestmark = pytest.mark.long(60)

USER_DATA = "#!/bin/sh\nprintf 'from user data' > /root/said\n"


@pytest.fixture(scope="module")
def instance(shared_bench: Any) -> str:
    """One machine with a key, a profile and user data, booted."""
    instance_id: str = shared_bench.launch(
        UserData=USER_DATA,
        IamInstanceProfile={"Name": "ami-lab"},
        TagSpecifications=[
            {"ResourceType": kind, "Tags": [{"Key": "made-for", "Value": kind}]} for kind in ("instance", "volume")
        ],
        MetadataOptions={"HttpTokens": "required", "InstanceMetadataTags": "enabled"},
    )
    assert shared_bench.booted(instance_id) == "status: done"
    return instance_id


def imds(path: str) -> str:
    """A command that asks the metadata service with a token."""
    token = "$(curl -s -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token)"
    return f'curl -s -H "X-aws-ec2-metadata-token: {token}" http://169.254.169.254/latest/{path}'


def test_systemd_is_init_and_every_unit_is_well(shared_bench: Any, instance: str) -> None:
    assert shared_bench.shell(instance, "cat /proc/1/comm") == "systemd\n"
    assert shared_bench.shell(instance, "systemctl is-system-running --wait; systemctl --failed -q") == "running\n"


def test_the_key_of_the_launch_opens_ssh_for_admin_who_may_sudo(shared_bench: Any, instance: str) -> None:
    assert shared_bench.ssh(instance, "id -un; sudo id -un") == "admin\nroot\n"


def test_the_host_is_named_by_its_address(shared_bench: Any, instance: str) -> None:
    private_name = shared_bench.describe(instance)["PrivateDnsName"]
    short = private_name.partition(".")[0]
    assert (
        shared_bench.shell(instance, "hostname; cat /etc/hostname; hostname -f")
        == f"{short}\n{short}\n{private_name}\n"
    )


def test_user_data_was_run(shared_bench: Any, instance: str) -> None:
    assert shared_bench.shell(instance, "cat /root/said") == "from user data"


def test_the_private_address_is_the_machines_own(shared_bench: Any, instance: str, ec2: Any) -> None:
    told = shared_bench.describe(instance)
    own = shared_bench.shell(instance, "ip -4 -o addr show dev eth0").split()[3].partition("/")[0]
    (interface,) = ec2.describe_network_interfaces(
        NetworkInterfaceIds=[told["NetworkInterfaces"][0]["NetworkInterfaceId"]]
    )["NetworkInterfaces"]
    assert [told["PrivateIpAddress"], interface["PrivateIpAddress"]] == [own, own]


def test_instance_and_volume_carry_the_tags_of_the_launch(ec2: Any, shared_bench: Any, instance: str) -> None:
    told = shared_bench.describe(instance)
    (volume,) = ec2.describe_volumes(VolumeIds=[told["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]])["Volumes"]
    assert told["Tags"] == [{"Key": "made-for", "Value": "instance"}]
    assert volume["Tags"] == [{"Key": "made-for", "Value": "volume"}]


def test_metadata_is_refused_without_a_token(shared_bench: Any, instance: str) -> None:
    code = "curl -s -o /dev/null -w '%{http_code}' http://169.254.169.254/latest/meta-data/instance-id"
    assert shared_bench.shell(instance, code) == "401"
    assert shared_bench.shell(instance, f"{code} -H 'X-aws-ec2-metadata-token: guessed'") == "401"


def test_metadata_answers_at_once_after_another_machine_has_come(
    shared_bench: Any, instance: str, lab: Settings
) -> None:
    """A machine knows the gateway's Ethernet address: that of a bridge must not follow the lowest one of its ports."""
    answer = "curl -s -m 3 -o /dev/null -w '%{http_code}' http://169.254.169.254/latest/meta-data/"
    assert shared_bench.shell(instance, answer, check=False) == "401"
    port = f"amit{os.getpid()}"
    ip("link", "add", port, "address", "02:00:00:00:00:01", "type", "veth", "peer", "name", f"{port}x")
    try:
        ip("link", "set", port, "master", lab.bridge, "up")
        assert shared_bench.shell(instance, answer, check=False) == "401"
    finally:
        ip("link", "delete", port)


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


@pytest.mark.parametrize("seconds", ["0", "21601", "x", ""])
def test_a_token_of_an_impossible_life_is_refused(shared_bench: Any, instance: str, seconds: str) -> None:
    asked = (
        "curl -s -o /dev/null -w '%{http_code}' -X PUT "
        f"-H 'X-aws-ec2-metadata-token-ttl-seconds: {seconds}' http://169.254.169.254/latest/api/token"
    )
    assert shared_bench.shell(instance, asked) == "400"


def test_metadata_is_that_of_the_caller(shared_bench: Any, instance: str) -> None:
    told = shared_bench.describe(instance)
    document = json.loads(shared_bench.shell(instance, imds("dynamic/instance-identity/document")))
    assert document["instanceId"] == instance
    assert document["region"] == "us-east-1"
    assert document["privateIp"] == told["PrivateIpAddress"]
    assert shared_bench.shell(instance, imds("meta-data/placement/region")) == "us-east-1"
    assert shared_bench.shell(instance, imds("meta-data/tags/instance/made-for")) == "instance"


def test_a_profile_gives_credentials_of_its_role(shared_bench: Any, instance: str) -> None:
    role = shared_bench.shell(instance, imds("meta-data/iam/security-credentials/"))
    credentials = json.loads(shared_bench.shell(instance, imds(f"meta-data/iam/security-credentials/{role}")))
    assert role == "ami-lab"
    assert credentials["Code"] == "Success"
    assert credentials["AccessKeyId"].startswith("ASIA")


def test_console_output_is_what_the_machine_wrote_at_boot(ec2: Any, instance: str) -> None:
    assert "cloud-init" in ec2.get_console_output(InstanceId=instance)["Output"]


def test_packages_come_from_debians_mirrors(shared_bench: Any, instance: str) -> None:
    installed = "apt-get update -qq && apt-get install -y -qq nginx-light >/dev/null 2>&1 && curl -s localhost"
    assert "Welcome to nginx" in shared_bench.shell(instance, installed)


def test_the_agent_is_not_there_until_its_package_is_installed(shared_bench: Any, instance: str) -> None:
    assert shared_bench.shell(instance, "systemctl is-active amazon-ssm-agent", check=False) == "inactive\n"
    get = "curl -sf -o /root/agent.deb http://169.254.169.254/ami-lab/amazon-ssm-agent.deb"
    shared_bench.shell(instance, f"{get} && dpkg -i /root/agent.deb")
    assert shared_bench.shell(instance, "systemctl is-enabled amazon-ssm-agent") == "enabled\n"
    assert shared_bench.shell(instance, "systemctl is-active amazon-ssm-agent") == "active\n"


def test_a_launch_is_pending_first(ec2: Any, bench: Any, debian: str) -> None:
    (made,) = ec2.run_instances(ImageId=debian, InstanceType="t3.small", MinCount=1, MaxCount=1)["Instances"]
    bench.launched.append(("us-east-1", made["InstanceId"]))
    assert made["State"]["Name"] == "pending"
    assert made["PrivateIpAddress"] == bench.wait(made["InstanceId"], "running")["PrivateIpAddress"]


def test_stopping_keeps_disk_and_address(ec2: Any, bench: Any) -> None:
    instance_id = bench.launch()
    address = bench.describe(instance_id)["PrivateIpAddress"]
    bench.shell(instance_id, "echo kept > /root/kept")
    (change,) = ec2.stop_instances(InstanceIds=[instance_id])["StoppingInstances"]
    assert change["CurrentState"]["Name"] == "stopping"
    bench.wait(instance_id, "stopped")
    ec2.start_instances(InstanceIds=[instance_id])
    assert bench.wait(instance_id, "running")["PrivateIpAddress"] == address
    assert bench.shell(instance_id, "cat /root/kept") == "kept\n"


def test_a_reboot_boots_again_with_the_same_name(ec2: Any, bench: Any, eventually: Callable[..., Any]) -> None:
    instance_id = bench.launch()
    bench.booted(instance_id)
    name = bench.shell(instance_id, "hostname")
    before = bench.shell(instance_id, "systemctl show -P UserspaceTimestampMonotonic")
    ec2.reboot_instances(InstanceIds=[instance_id])
    eventually(
        lambda: (
            bench.shell(instance_id, "systemctl show -P UserspaceTimestampMonotonic", check=False)
            not in ("", "0\n", before)
        ),
        "a new boot",
    )
    bench.booted(instance_id)
    assert bench.shell(instance_id, "hostname") == name
    assert bench.describe(instance_id)["State"]["Name"] == "running"


def test_a_machine_that_reboots_itself_stays_running(bench: Any, eventually: Callable[..., Any]) -> None:
    """Its boot has an id of its own each time, which the journal knows too, and is not the host's."""
    instance_id = bench.launch()
    bench.booted(instance_id)
    ask = "known=$(journalctl -qn 1 -o export | grep ^_BOOT_ID) && cat /proc/sys/kernel/random/boot_id && echo $known"
    before = bench.shell(instance_id, ask)
    bench.shell(instance_id, "touch /run/this-boot")
    bench.shell(instance_id, "systemctl reboot", check=False)  # it may end with its machine
    eventually(lambda: bench.shell(instance_id, "test -e /run/this-boot || echo new", check=False), "a new boot")
    after = eventually(lambda: bench.shell(instance_id, ask, check=False), "the journal")
    ids = [said.split("\n")[0] for said in (before, after)]
    assert len({Path("/proc/sys/kernel/random/boot_id").read_text().strip(), *ids}) == 3
    assert [said.split("=")[1].strip() for said in (before, after)] == [one.replace("-", "") for one in ids]
    assert bench.describe(instance_id)["State"]["Name"] == "running"


@pytest.mark.parametrize(("behaviour", "state"), [("stop", "stopped"), ("terminate", "terminated")])
def test_a_machine_that_powers_off_goes_as_its_launch_says(bench: Any, behaviour: str, state: str) -> None:
    instance_id = bench.launch(InstanceInitiatedShutdownBehavior=behaviour)
    bench.booted(instance_id)
    bench.shell(instance_id, "systemctl poweroff", check=False)  # it may end with its machine
    told = bench.wait(instance_id, state)
    assert told["StateReason"]["Code"] == "Client.InstanceInitiatedShutdown"


def test_a_machine_killed_from_outside_is_seen(bench: Any, podman: Callable[..., str]) -> None:
    instance_id = bench.launch()
    podman("kill", bench.container(instance_id))
    bench.wait(instance_id, "stopped")


def test_a_machine_removed_from_outside_is_terminated(bench: Any, podman: Callable[..., str]) -> None:
    instance_id = bench.launch()
    podman("rm", "-f", "-t", "0", bench.container(instance_id))
    bench.wait(instance_id, "terminated")


def test_a_terminated_machine_leaves_no_container(ec2: Any, bench: Any, podman: Callable[..., str]) -> None:
    instance_id = bench.launch()
    ec2.terminate_instances(InstanceIds=[instance_id])
    bench.wait(instance_id, "terminated")
    assert podman("ps", "-aq", f"--filter=name={bench.container(instance_id)}") == ""


def test_a_terminated_instance_cannot_be_started(ec2: Any, bench: Any) -> None:
    instance_id = bench.launch()
    ec2.terminate_instances(InstanceIds=[instance_id])
    with pytest.raises(ClientError, match="IncorrectInstanceState"):
        ec2.start_instances(InstanceIds=[instance_id])


def test_an_unknown_image_is_refused(ec2: Any) -> None:
    with pytest.raises(ClientError, match=r"InvalidAMIID\.NotFound"):
        ec2.run_instances(ImageId="ami-0123456789abcdef0", InstanceType="t3.small", MinCount=1, MaxCount=1)


def test_a_launch_template_boots_a_machine(ec2: Any, bench: Any, debian: str) -> None:
    settings = {
        "ImageId": debian,
        "InstanceType": "t3.small",
        "IamInstanceProfile": {"Name": "ami-lab"},
        "UserData": base64.b64encode(USER_DATA.encode()).decode(),
    }
    ec2.create_launch_template(LaunchTemplateName="tests", LaunchTemplateData=settings)
    (made,) = ec2.run_instances(LaunchTemplate={"LaunchTemplateName": "tests"}, MinCount=1, MaxCount=1)["Instances"]
    bench.launched.append(("us-east-1", made["InstanceId"]))
    bench.wait(made["InstanceId"], "running")
    bench.booted(made["InstanceId"])
    assert bench.shell(made["InstanceId"], "cat /root/said") == "from user data"
    assert bench.describe(made["InstanceId"])["IamInstanceProfile"]["Arn"].endswith("instance-profile/ami-lab")


def test_an_auto_scaling_group_boots_machines_and_takes_them_down(
    client: Callable[..., Any], bench: Any, debian: str, eventually: Callable[..., Any]
) -> None:
    groups = client("autoscaling")
    client("ec2").create_launch_template(
        LaunchTemplateName="group", LaunchTemplateData={"ImageId": debian, "InstanceType": "t3.small"}
    )
    groups.create_auto_scaling_group(
        AutoScalingGroupName="group",
        LaunchTemplate={"LaunchTemplateName": "group", "Version": "$Latest"},
        MinSize=0,
        MaxSize=2,
        DesiredCapacity=2,
        AvailabilityZones=["us-east-1a"],
    )

    def launched() -> list[str]:
        (group,) = groups.describe_auto_scaling_groups(AutoScalingGroupNames=["group"])["AutoScalingGroups"]
        return [member["InstanceId"] for member in group["Instances"]]

    eventually(lambda: len(launched()) == 2, "two instances")
    ids = launched()
    addresses = {bench.wait(instance_id, "running")["PrivateIpAddress"] for instance_id in ids}
    assert len(addresses) == 2
    assert all(bench.shell(instance_id, "cat /proc/1/comm") == "systemd\n" for instance_id in ids)
    groups.delete_auto_scaling_group(AutoScalingGroupName="group", ForceDelete=True)
    for instance_id in ids:
        bench.wait(instance_id, "terminated")


def test_instance_types_tell_their_virtual_cpus(ec2: Any) -> None:
    wanted = {"t3.small": 2, "c5.4xlarge": 16}
    told = ec2.describe_instance_types(InstanceTypes=list(wanted))["InstanceTypes"]
    assert {each["InstanceType"]: each["VCpuInfo"]["DefaultVCpus"] for each in told} == wanted


def test_status_names_what_the_lab_cannot_do(lab: Settings) -> None:
    """The page that it names is there."""
    argv = [str(Path(sys.executable).parent / "ami"), "lab", "status", "--name", lab.name]
    told = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    assert "containers with this host's kernel: docs/lab.md" in told
    assert Path(__file__).parents[2].joinpath("docs/lab.md").is_file()
