"""Each call is held against its service's model, and against what the lab honours."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.api.call import UNSIGNED, Call, Protocol
from orchestrator.lab.strict.guard import StrictGuard

VOLUME = {"AvailabilityZone": "us-east-1a", "Size": "1", "VolumeInitializationRate": "100"}


def ask(guard: StrictGuard, service: str, action: str, **parameters: Any) -> str:
    """What the guard says to a call: the code and the message, nothing when the call may be answered."""
    if service in ("ssm", "kms"):
        call, body = Call(service, "us-east-1", action, Protocol.JSON), json.dumps(parameters)
    else:
        protocol = Protocol.EC2 if service == "ec2" else Protocol.QUERY
        call, body = Call(service, "us-east-1", action, protocol), urlencode({"Action": action, **parameters})
    try:
        guard(call, body.encode(), {})
    except AwsFault as fault:
        return str(fault)
    return ""


@pytest.mark.parametrize(
    ("service", "action", "parameters", "words"),
    [
        ("ec2", "DescribeVolumes", {"Filter.1.Name": "tag:x", "Filter.1.Value.1": "y"}, ""),
        ("ec2", "DescribeVolumes", {"Filter.1.Name": "tgs"}, "InvalidParameterValue: The filter 'tgs' is invalid"),
        ("ec2", "DescribeNonsense", {}, "InvalidAction: The action DescribeNonsense"),
        ("ec2", "CreateVolume", VOLUME, "UnsupportedOperation: the lab does not honour the parameter Volume"),
        ("ssm", "GetParameter", {"Name": "/a"}, ""),
        ("ssm", "GetNonsense", {}, "UnknownOperationException"),
        ("ssm", "GetParametersByPath", {"Path": "/", "NextToken": "x"}, "InvalidNextToken"),
        ("kms", "Encrypt", {"KeyId": "k", "Plaintext": "eA==", "DryRun": True}, "UnsupportedOperationException"),
        ("sts", "GetCallerIdentity", {"Nonsense": "1"}, "ValidationError: The parameter Nonsense is not recognized"),
        ("nonsense", "DoThis", {"Any": "1"}, ""),
        (UNSIGNED, "DoThis", {}, ""),
    ],
)
def test_a_call_is_refused_in_its_services_words(
    service: str, action: str, parameters: dict[str, Any], words: str
) -> None:
    said = ask(StrictGuard({}), service, action, **parameters)
    assert said.startswith(words)
    assert bool(said) is bool(words)


def test_a_lenient_guard_writes_each_parameter_to_the_log_once(caplog: pytest.LogCaptureFixture) -> None:
    guard = StrictGuard({}, lenient=True)
    assert [ask(guard, "ec2", "CreateVolume", **VOLUME) for _ in range(2)] == ["", ""]
    assert [record.getMessage() for record in caplog.records] == [
        "ec2:CreateVolume: the lab does not honour the parameter VolumeInitializationRate of CreateVolume"
    ]


def test_a_lenient_guard_refuses_what_aws_refuses() -> None:
    assert ask(StrictGuard({}, lenient=True), "ec2", "DescribeVolumes", Nonsense="1").startswith("UnknownParameter")


def test_a_body_that_is_no_object_is_refused() -> None:
    call = Call("ssm", "us-east-1", "GetParameter", Protocol.JSON)
    for body in (b"[]", b"{"):
        with pytest.raises(AwsFault, match="SerializationException"):
            StrictGuard({})(call, body, {})
