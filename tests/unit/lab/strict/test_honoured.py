"""Which parameters the lab reads is found in the source of what answers."""

from __future__ import annotations

import subprocess
import sys

import pytest

from orchestrator.lab.parts.quotas import QuotasApi
from orchestrator.lab.ssm.run_command import RunCommandApi
from orchestrator.lab.strict.honoured import reading, reads
from orchestrator.lab.strict.ignored import IGNORED, harmless


@pytest.mark.parametrize(
    ("service", "action", "read", "ignored"),
    [
        ("ec2", "DescribeImages", ("ImageIds", "Owners", "ExecutableUsers"), ("IncludeDeprecated",)),
        ("ec2", "RunInstances", ("ImageId", "MinCount", "UserData"), ("CpuOptions", "LicenseSpecifications")),
        ("ec2", "StopInstances", ("InstanceIds",), ("Hibernate",)),
        ("autoscaling", "CreateAutoScalingGroup", ("MinSize", "Tags"), ("MaxInstanceLifetime",)),
        ("ssm", "PutParameter", ("Name", "Value", "Type", "Overwrite"), ()),
        ("organizations", "CreateAccount", ("Email", "AccountName"), ("IamUserAccessToBilling",)),
        ("kms", "Sign", ("KeyId", "Message", "MessageType", "SigningAlgorithm"), ("DryRun",)),
    ],
)  # fmt: skip
def test_what_moto_reads_is_told_from_what_it_ignores(
    service: str, action: str, read: tuple[str, ...], ignored: tuple[str, ...]
) -> None:
    strings = reading(service, action)
    assert strings is not None
    assert [name for name in read if not reads(strings, name)] == []
    assert [name for name in ignored if reads(strings, name)] == []


def test_what_a_handler_of_the_lab_reads_stands_in_its_room() -> None:
    quotas = reading("service-quotas", "GetServiceQuota", QuotasApi())
    assert quotas is not None
    assert reads(quotas, "QuotaCode")
    assert not reads(quotas, "ContextId")
    commands = reading("ssm", "SendCommand", RunCommandApi.__new__(RunCommandApi))
    assert commands is not None
    assert all(reads(commands, name) for name in ("InstanceIds", "Parameters", "TimeoutSeconds", "Targets"))


def test_an_action_that_nothing_answers_has_no_reading() -> None:
    assert reading("ec2", "ImportImage") is None
    assert reading("nonsense", "DoThis") is None


def test_the_labs_own_actions_take_the_place_of_motos() -> None:
    """In a process of its own: they change moto's class."""
    program = (
        "from orchestrator.lab.ec2 import actions\n"
        "from orchestrator.lab.ec2.answers import LabResponse\n"
        "from orchestrator.lab.own_actions import add_actions\n"
        "from orchestrator.lab.strict.honoured import reading, reads\n"
        "from moto.ec2 import urls\n"
        "add_actions(LabResponse, actions, None)\n"
        "urls.url_paths = {'{0}/': LabResponse.dispatch}\n"
        "found = reading('ec2', 'DescribeImageReferences')\n"
        "print(reads(found, 'ImageIds'), reads(found, 'Nonsense'))\n"
        "print(reads(reading('ec2', 'CreateImage'), 'NoReboot'))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "True False\nTrue\n"


class Shape:
    def __init__(self, **metadata: object) -> None:
        self.metadata = metadata


@pytest.mark.parametrize(
    ("operation", "parameter", "value", "shape", "expected"),
    [
        ("ec2:RunInstances", "CreditSpecification", {"CpuCredits": "standard"}, Shape(), True),
        ("ec2:DescribeImages", "DryRun", "true", Shape(), True),
        ("kms:Sign", "DryRun", True, Shape(), False),
        ("ec2:CreateFleet", "ClientToken", "x", Shape(idempotencyToken=True), True),
        ("ec2:CopyImage", "ClientToken", "x", Shape(), False),
        ("ec2:CopyImage", "CopyImageTags", "false", Shape(), True),
        ("ec2:CopyImage", "CopyImageTags", "true", Shape(), False),
    ],
)
def test_what_is_harmless_may_be_ignored(
    operation: str, parameter: str, value: object, shape: Shape, *, expected: bool
) -> None:
    assert harmless(operation, parameter, value, shape) is expected


def test_each_parameter_that_may_be_ignored_has_a_reason() -> None:
    assert all(len(reason) > 20 for reason in IGNORED.values())
