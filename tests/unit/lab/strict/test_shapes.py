"""What breaks the model of an operation, with its place."""

from __future__ import annotations

from typing import Any

import pytest
from moto.core.utils import get_service_model

from orchestrator.lab.api.call import Protocol
from orchestrator.lab.strict.complaint import Complaint, Wrong, refusal
from orchestrator.lab.strict.shapes import complaints


def of(service: str, action: str, value: Any) -> list[tuple[str, str]]:
    shape = get_service_model(service).operation_model(action).input_shape
    return [(each.wrong.value, each.dotted) for each in complaints(shape, value)]


@pytest.mark.parametrize(
    ("service", "action", "value", "expected"),
    [
        ("ssm", "PutParameter", {"Name": "a", "Value": "b", "Type": "String"}, []),
        ("ssm", "PutParameter", {"Value": "b"}, [("missing", "Name")]),
        ("ssm", "PutParameter", {"Name": None, "Value": "b"}, [("missing", "Name")]),
        ("ssm", "PutParameter", {"Name": "a", "Value": "b", "Type": "Text"}, [("constraint", "Type")]),
        ("ssm", "PutParameter", {"Name": "a", "Value": "b", "Tipe": "x"}, [("unknown", "Tipe")]),
        ("ssm", "PutParameter", {"Name": 1, "Value": "b"}, [("form", "Name")]),
        ("ssm", "PutParameter", {"Name": "a" * 2049, "Value": "b"}, [("constraint", "Name")]),
        ("ssm", "PutParameter", {"Name": "a", "Value": "b", "Overwrite": "yes"}, [("form", "Overwrite")]),
        ("ssm", "GetParameters", {"Names": []}, [("constraint", "Names")]),
        ("ssm", "GetParameters", {"Names": "a"}, [("form", "Names")]),
        ("ssm", "GetParametersByPath", {"Path": "/", "MaxResults": 11}, [("constraint", "MaxResults")]),
        ("ssm", "GetParametersByPath", {"Path": "/", "MaxResults": True}, [("form", "MaxResults")]),
        ("ssm", "SendCommand", {"DocumentName": "a b"}, [("constraint", "DocumentName")]),
        ("sts", "AssumeRole", {"RoleArn": "a" * 20, "RoleSessionName": "a b"}, [("constraint", "RoleSessionName")]),
        ("ec2", "RunInstances", {"MinCount": "one", "MaxCount": "1"}, [("form", "MinCount")]),
        ("ec2", "RunInstances", {"MaxCount": "1"}, [("missing", "MinCount")]),
        ("ec2", "CreateVolume", {"VolumeType": "gp4"}, [("constraint", "VolumeType")]),
        ("sns", "CreateTopic", {"Name": "t", "Attributes": {"1": {"key": "a", "value": "b"}}}, []),
    ],
)  # fmt: skip
def test_each_mistake_has_its_kind_and_its_place(
    service: str, action: str, value: Any, expected: list[tuple[str, str]]
) -> None:
    assert of(service, action, value) == expected


def test_a_place_within_lists_has_numbers() -> None:
    value = {"Filters": {"1": {"Name": "x", "Values": {"1": "y"}}, "2": {"Nonsense": "x"}}}
    assert of("ec2", "DescribeImages", value) == [("unknown", "Filters.2.Nonsense")]


@pytest.mark.parametrize(
    ("protocol", "wrong", "code", "message"),
    [
        (Protocol.EC2, Wrong.UNKNOWN, "UnknownParameter", "The parameter A.1.B is not recognized"),
        (Protocol.EC2, Wrong.MISSING, "MissingParameter", "The request must contain the parameter A.1.B"),
        (Protocol.EC2, Wrong.CONSTRAINT, "InvalidParameterValue",
         "Value (v) for parameter B is invalid. Member must x"),
        (Protocol.JSON, Wrong.FORM, "SerializationException", "A.1.B: 'v' can not be converted to Member must x"),
        (Protocol.JSON, Wrong.MISSING, "ValidationException",
         "1 validation error detected: Value null at 'a.1.b' failed to satisfy constraint: Member must not be null"),
        (Protocol.QUERY, Wrong.CONSTRAINT, "ValidationError",
         "1 validation error detected: Value 'v' at 'a.1.b' failed to satisfy constraint: Member must x"),
    ],
)  # fmt: skip
def test_each_protocol_has_its_words(protocol: Protocol, wrong: Wrong, code: str, message: str) -> None:
    fault = refusal(protocol, [Complaint(wrong, ("A", "1", "B"), "v", "Member must x")])
    assert (fault.code, fault.message, fault.status) == (code, message, 400)


def test_all_constraints_that_do_not_hold_are_told_at_once() -> None:
    both = [Complaint(Wrong.MISSING, ("Name",)), Complaint(Wrong.CONSTRAINT, ("Type",), "x", "Member must y")]
    assert refusal(Protocol.JSON, both).message.startswith("2 validation errors detected: Value null at 'name'")
