"""What SendCommand accepts, and what it refuses in AWS's words."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.ssm.order import Order, order, share

INSTANCE = "i-0123456789abcdef0"


def asked(parameters: dict[str, Any] | None = None, **more: Any) -> Order:
    body: dict[str, Any] = {"DocumentName": "AWS-RunShellScript", "InstanceIds": [INSTANCE]}
    return order(body | {"Parameters": {"commands": ["true"]} | (parameters or {})} | more)


def test_lines_become_one_script_with_a_newline_at_the_end() -> None:
    assert asked({"commands": ["echo a", "echo b"]}).script == b"echo a\necho b\n"


def test_defaults_are_the_documents() -> None:
    made = asked()
    assert (made.working_directory, made.execution_timeout, made.delivery_timeout) == ("/usr/bin", 3600, 3600)
    assert (made.max_concurrency, made.max_errors, made.document_version) == ("50", "0", "$DEFAULT")


def test_a_relative_working_directory_is_the_default_one() -> None:
    assert asked({"workingDirectory": ["tmp"]}).working_directory == "/usr/bin"
    assert asked({"workingDirectory": ["/tmp"]}).working_directory == "/tmp"


@pytest.mark.parametrize(("given", "seconds"), [("5", 5), ("172800", 172_800), ("4", 3600), ("1", 3600)])
def test_an_execution_timeout_below_the_agents_least_is_its_default(given: str, seconds: int) -> None:
    assert asked({"executionTimeout": [given]}).execution_timeout == seconds


def test_the_document_may_be_named_by_its_arn() -> None:
    assert asked(DocumentName="arn:aws:ssm:us-east-1::document/AWS-RunShellScript").commands == ("true",)


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("InvalidDocument", {"DocumentName": "AWS-RunPowerShellScript"}),
        ("InvalidDocument", {"DocumentName": "x-AWS-RunShellScript"}),
        ("InvalidDocumentVersion", {"DocumentVersion": "7"}),
        ("InvalidOutputFolder", {"OutputS3BucketName": "logs"}),
        ("InvalidParameters", {"Parameters": {}}),
        ("InvalidParameters", {"Parameters": {"commands": []}}),
        ("InvalidParameters", {"Parameters": {"commands": "true"}}),
        ("InvalidParameters", {"Parameters": {"commands": ["true"], "comands": ["true"]}}),
        ("InvalidParameters", {"Parameters": {"commands": ["true"], "executionTimeout": ["0"]}}),
        ("InvalidParameters", {"Parameters": {"commands": ["true"], "executionTimeout": ["172801"]}}),
        ("InvalidParameters", {"Parameters": {"commands": ["true"], "executionTimeout": ["soon"]}}),
        ("InvalidParameters", {"Parameters": {"commands": ["true"], "workingDirectory": ["/a", "/b"]}}),
        ("InvalidParameters", {"Parameters": {"commands": ["echo {{ssm:/colour}}"]}}),
        ("MaxDocumentSizeExceeded", {"Parameters": {"commands": ["x" * 65_536]}}),
        ("ValidationException", {"TimeoutSeconds": 29}),
        ("ValidationException", {"Comment": "x" * 101}),
        ("ValidationException", {"MaxErrors": "some"}),
        ("ValidationException", {"MaxConcurrency": "0"}),
        ("InvalidInstanceId", {"InstanceIds": []}),
        ("InvalidInstanceId", {"InstanceIds": [], "Targets": []}),
        ("DuplicateInstanceId", {"InstanceIds": [INSTANCE, INSTANCE]}),
        ("ValidationException", {"Targets": [{"Key": "InstanceIds", "Values": [INSTANCE]}]}),
        ("ValidationException", {"InstanceIds": [], "Targets": [{"Key": "InstanceIds", "Values": []}]}),
        ("ValidationException", {"InstanceIds": [], "Targets": [{"Key": "tag:Name", "Values": ["web"]}]}),
        ("ValidationException", {"InstanceIds": [f"i-{number:017x}" for number in range(51)]}),
    ],
)
def test_what_aws_refuses_is_refused_with_its_code(code: str, change: dict[str, Any]) -> None:
    with pytest.raises(AwsFault) as caught:
        asked(**change)
    assert caught.value.code == code


def test_braces_that_name_no_parameter_are_left_alone() -> None:
    """Only `{{ name }}` is Systems Manager's; a Go template such as `{{.Names}}` is not."""
    assert asked({"commands": ["docker ps --format '{{.Names}}' {{ }}"]}).commands == (
        "docker ps --format '{{.Names}}' {{ }}",
    )


@pytest.mark.parametrize(
    ("command", "name"),
    [("echo {{ colour }}", "colour"), ("echo {{ commands }} {{workingDirectory}}", ""), ("echo {{.Names}}", "")],
)
def test_braces_that_name_no_parameter_of_the_document_are_taken_and_told(command: str, name: str) -> None:
    """Systems Manager passes them on, and the agent fails."""
    assert asked({"commands": ["true", command]}).unresolved == name


def test_a_payload_just_within_64_kilobytes_is_taken() -> None:
    room = 65_536 - len('{"commands": [""]}')
    assert len(asked({"commands": ["x" * room]}).commands[0]) == room
    with pytest.raises(AwsFault, match="64 KB"):
        asked({"commands": ["x" * (room + 1)]})


def test_the_payload_is_measured_in_bytes() -> None:
    with pytest.raises(AwsFault, match="64 KB"):
        asked({"commands": ["ü" * 33_000]})
    assert asked({"commands": ["ü" * 32_000]}).commands == ("ü" * 32_000,)


@pytest.mark.parametrize(
    ("text", "count", "number"), [("10", 3, 10), ("0", 3, 0), ("50%", 3, 2), ("50%", 202, 101), ("0%", 9, 0)]
)
def test_a_share_is_a_number_or_a_percentage(text: str, count: int, number: int) -> None:
    assert share(text, count) == number
