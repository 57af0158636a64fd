from __future__ import annotations

import io
import json
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.api.call import Call, Protocol, call_of


def environ(service: str = "", path: str = "/", method: str = "POST", **more: Any) -> dict[str, Any]:
    scope = f"AKID/20260102/eu-west-1/{service}/aws4_request"
    signed = {"HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00"}
    return {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "HTTP_HOST": "127.0.0.1:1",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        **(signed if service else {}),
        **more,
    }


def test_a_json_service_names_its_action_in_a_header() -> None:
    call = call_of(environ("ssm", HTTP_X_AMZ_TARGET="AmazonSSM.SendCommand"), b"{}")
    assert call == Call("ssm", "eu-west-1", "SendCommand", Protocol.JSON)
    assert call.operation == "ssm:SendCommand"


@pytest.mark.parametrize(
    ("body", "query"),
    [
        (b"Action=RunInstances&Version=2016-11-15", ""),
        (b"Version=2016-11-15&Action=RunInstances", ""),
        (b"", "Action=RunInstances&Version=2016-11-15"),
        (b"LastAction=Stop&Action=RunInstances", ""),
    ],
)
def test_ec2_names_its_action_in_the_form(body: bytes, query: str) -> None:
    assert call_of(environ("ec2", QUERY_STRING=query), body) == Call("ec2", "eu-west-1", "RunInstances", Protocol.EC2)


def test_other_query_services_are_not_spoken_to_as_ec2() -> None:
    assert call_of(environ("sts"), b"Action=GetCallerIdentity").protocol is Protocol.QUERY


@pytest.mark.parametrize(
    ("method", "path", "query", "action"),
    [
        ("GET", "/", "", "ListBuckets"),
        ("PUT", "/bucket", "", "CreateBucket"),
        ("GET", "/bucket", "list-type=2&prefix=leases%2F", "ListObjectsV2"),
        ("PUT", "/bucket/leases/a b", "", "PutObject"),
        ("GET", "/bucket/leases/a", "", "GetObject"),
        ("HEAD", "/bucket/leases/a", "", "HeadObject"),
        ("DELETE", "/bucket/leases/a", "", "DeleteObject"),
        ("POST", "/bucket", "delete", "DeleteObjects"),
        ("PATCH", "/bucket/a", "", ""),
    ],
)
def test_s3_names_its_action_by_method_and_path(method: str, path: str, query: str, action: str) -> None:
    call = call_of(environ("s3", path, method, QUERY_STRING=query), b"Action=Nonsense")
    assert call == Call("s3", "eu-west-1", action, Protocol.S3)


def test_a_presigned_call_names_its_service_in_the_query_string() -> None:
    query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20260102%2Feu-west-1%2Fs3%2Faws4_request"
    assert call_of(environ("", "/bucket/key", "GET", QUERY_STRING=query), b"").operation == "s3:GetObject"


def test_an_unsigned_call_is_nobodys() -> None:
    assert call_of({}, b"") == Call("unsigned", "us-east-1", "")


FAULT = AwsFault("SlowDown", "less, <please>", 503)


@pytest.mark.parametrize("protocol", [Protocol.EC2, Protocol.S3, Protocol.QUERY])
def test_a_refusal_in_xml_is_read_as_it_was_meant(protocol: Protocol) -> None:
    tree = ET.fromstring(protocol.refusal(FAULT))
    assert [each.text for each in tree.iter("Code")] == ["SlowDown"]
    assert [each.text for each in tree.iter("Message")] == ["less, <please>"]


def test_a_refusal_in_json_is_read_as_it_was_meant() -> None:
    assert json.loads(Protocol.JSON.refusal(FAULT)) == {"__type": "SlowDown", "message": "less, <please>"}
