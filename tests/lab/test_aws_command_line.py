"""The AWS command line against a lab, with the calls that Terraform's AWS provider makes for the same things."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.lab.settings import Settings
    from tests.lab.conftest import Bench

pytestmark = pytest.mark.long(60)

_AWS = str(Path(sys.executable).with_name("aws"))


class CommandLineError(Exception):
    """What the AWS command line said when it failed."""


@pytest.fixture
def aws(lab: Settings, tmp_path: Path) -> Callable[..., Any]:
    """Run a command of the AWS command line; what it prints as JSON, None when it prints nothing."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_ENDPOINT_URL": lab.endpoint,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_PAGER": "",
    }

    def run(*arguments: str) -> Any:
        done = subprocess.run([_AWS, *arguments], env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise CommandLineError(done.stderr.strip())
        return json.loads(done.stdout) if done.stdout.strip() else None

    return run


def test_the_command_line_runs_a_script_on_a_machine(aws: Callable[..., Any], bench: Bench) -> None:
    instance_id = bench.node()
    parameters = json.dumps({"commands": ["echo $((6 * 7))"]})
    sent = aws(
        "ssm",
        "send-command",
        "--document-name=AWS-RunShellScript",
        f"--instance-ids={instance_id}",
        f"--parameters={parameters}",
    )
    named = (f"--command-id={sent['Command']['CommandId']}", f"--instance-id={instance_id}")
    aws("ssm", "wait", "command-executed", *named)
    assert aws("ssm", "get-command-invocation", *named)["StandardOutputContent"] == "42\n"
    assert aws("ec2", "terminate-instances", f"--instance-ids={instance_id}")["TerminatingInstances"]
    aws("ec2", "wait", "instance-terminated", f"--instance-ids={instance_id}")


def test_a_pointer_of_the_command_line_leads_a_launch_to_its_ami(aws: Callable[..., Any], debian: str) -> None:
    name = "/line/golden"
    put = ("ssm", "put-parameter", f"--name={name}", "--type=String", "--data-type=aws:ec2:image")
    aws(*put, f"--value={debian}")
    until(lambda: aws("ssm", "get-parameters", f"--names={name}")["Parameters"], "the parameter")
    launch = ("ec2", "run-instances", "--instance-type=t3.small", "--dry-run")
    with pytest.raises(CommandLineError, match="DryRunOperation"):
        aws(*launch, f"--image-id=resolve:ssm:{name}")
    with pytest.raises(CommandLineError, match=r"resolve:ssm|does not exist|Invalid"):
        aws(*launch[:-1], "--image-id=resolve:ssm:/line/missing")
    aws("ssm", "delete-parameter", f"--name={name}")


def test_a_group_is_made_changed_and_removed_as_terraform_does(aws: Callable[..., Any], debian: str) -> None:
    """The calls of `aws_launch_template` and `aws_autoscaling_group`: create, read back, refresh, drain, delete."""
    template = ("--launch-template-name=line",)
    data = json.dumps({"ImageId": debian, "InstanceType": "t3.small"})
    aws("ec2", "create-launch-template", *template, f"--launch-template-data={data}", "--client-token=line-1")
    changed = json.dumps({"InstanceType": "t3.medium"})
    aws(
        "ec2",
        "create-launch-template-version",
        *template,
        "--source-version=1",
        f"--launch-template-data={changed}",
        "--client-token=line-2",
    )
    aws("ec2", "modify-launch-template", *template, "--default-version=2")
    (latest,) = aws("ec2", "describe-launch-template-versions", *template, "--versions=$Latest")[
        "LaunchTemplateVersions"
    ]
    assert (latest["VersionNumber"], latest["DefaultVersion"]) == (2, True)
    assert latest["LaunchTemplateData"] == {"ImageId": debian, "InstanceType": "t3.medium"}

    group = ("--auto-scaling-group-name=line",)
    sizes = ("--min-size=0", "--max-size=1", "--desired-capacity=0")
    of_template = "--launch-template=LaunchTemplateName=line,Version="
    zones = "--availability-zones=us-east-1a"
    aws("autoscaling", "create-auto-scaling-group", *group, *sizes, f"{of_template}1", zones)
    desired = json.dumps({"LaunchTemplate": {"LaunchTemplateName": "line", "Version": "2"}})
    begun = aws("autoscaling", "start-instance-refresh", *group, f"--desired-configuration={desired}")
    found = (
        "autoscaling",
        "describe-instance-refreshes",
        *group,
        f"--instance-refresh-ids={begun['InstanceRefreshId']}",
    )
    until(lambda: aws(*found)["InstanceRefreshes"][0]["Status"] == "Successful", "the refresh")
    (made,) = aws("autoscaling", "describe-auto-scaling-groups", "--auto-scaling-group-names=line")["AutoScalingGroups"]
    assert made["LaunchTemplate"]["Version"] == "2"

    aws("autoscaling", "update-auto-scaling-group", *group, "--min-size=0", "--max-size=0", "--desired-capacity=0")
    aws("autoscaling", "delete-auto-scaling-group", *group, "--force-delete")
    gone = ("autoscaling", "describe-auto-scaling-groups", "--auto-scaling-group-names=line")
    until(lambda: not aws(*gone)["AutoScalingGroups"], "the group to be gone")
    aws("ec2", "delete-launch-template", *template)
    with pytest.raises(CommandLineError, match=r"InvalidLaunchTemplateName\.NotFoundException"):
        aws("ec2", "describe-launch-templates", "--launch-template-names=line")
