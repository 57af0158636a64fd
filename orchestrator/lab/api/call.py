"""Which call of which AWS service a request is, and how that service says no."""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from xml.sax.saxutils import escape

from moto.core.request import Request
from moto.core.routing import get_service_router
from moto.iam.models import get_account_id_from
from werkzeug.exceptions import HTTPException

from orchestrator.lab.api.rest import SERVICES as REST
from orchestrator.lab.api.rest import action_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.lab.api.aws_fault import AwsFault

#: `AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, ...` (SigV4, "Authorization header"); of a
#: presigned request it stands in the query string.
SCOPE = re.compile(r"Credential=([^/]*)/\d{8}/([^/]+)/([^/]+)/aws4_request")

#: Query protocols: `Action=RunInstances&Version=...` is the body, or the query string.
ACTION = re.compile(rb"(?:^|&)Action=(\w+)")

DEFAULT_REGION = "us-east-1"
#: The service of a call that is not signed.
UNSIGNED = "unsigned"
SERVER_ERROR = 500
#: Actions of STS that nobody signs: who calls has no credentials yet.
_UNSIGNED_ACTIONS = (b"AssumeRoleWithWebIdentity",)


def _json(fault: AwsFault, _: str) -> str:
    return json.dumps({"__type": fault.code, "message": fault.message})


def _ec2(fault: AwsFault, request_id: str) -> str:
    error = f"<Error><Code>{fault.code}</Code><Message>{escape(fault.message)}</Message></Error>"
    return f"<Response><Errors>{error}</Errors><RequestID>{request_id}</RequestID></Response>"


def _query(fault: AwsFault, request_id: str) -> str:
    blame = "Receiver" if fault.status >= SERVER_ERROR else "Sender"
    error = f"<Error><Type>{blame}</Type><Code>{fault.code}</Code><Message>{escape(fault.message)}</Message></Error>"
    return f"<ErrorResponse>{error}<RequestId>{request_id}</RequestId></ErrorResponse>"


def _s3(fault: AwsFault, request_id: str) -> str:
    told = f"<Code>{fault.code}</Code><Message>{escape(fault.message)}</Message>"
    return f"<Error>{told}<RequestId>{request_id}</RequestId><HostId>{request_id}</HostId></Error>"


class Protocol(Enum):
    """How a service is spoken to: the content type of its answers, and its way to write an error."""

    EC2 = ("text/xml;charset=UTF-8", _ec2)
    S3 = ("application/xml", _s3)
    QUERY = ("text/xml", _query)
    JSON = ("application/x-amz-json-1.1", _json)

    def __init__(self, content_type: str, write: Callable[[AwsFault, str], str]) -> None:
        self.content_type = content_type
        self._write = write

    @property
    def unknown_action(self) -> str:
        """The code with which AWS refuses an action that a service does not have."""
        return "UnknownOperationException" if self is Protocol.JSON else "InvalidAction"

    def refusal(self, fault: AwsFault) -> bytes:
        """The body of an answer that says no."""
        text = self._write(fault, str(uuid.uuid4()))
        return (text if self is Protocol.JSON else f'<?xml version="1.0" encoding="UTF-8"?>\n{text}').encode()


@dataclass(frozen=True)
class Call:
    """One call: its service as SigV4 names it, its region, its action, how its service is spoken to, and by whom."""

    service: str
    region: str
    action: str
    protocol: Protocol = Protocol.JSON
    key: str = field(default="", compare=False)
    """The access key id that signed it."""
    named: dict[str, str] = field(default_factory=dict, compare=False)
    """The parameters that stand in its path."""

    @property
    def account(self) -> str:
        """The account of whoever calls; moto codes it into access key ids."""
        return str(get_account_id_from(self.key))

    @property
    def operation(self) -> str:
        """`ec2:RunInstances`, as IAM policies name actions."""
        return f"{self.service}:{self.action}"


def call_of(environ: dict[str, Any], body: bytes) -> Call:
    """The call of a request with these WSGI variables and this body; an action that nothing tells is empty."""
    asked: str = environ.get("QUERY_STRING", "")
    signed: str = environ.get("HTTP_AUTHORIZATION", "")
    scope = SCOPE.search(signed) or ("X-Amz-Credential" in asked and SCOPE.search(unquote(asked)))
    key, region, service = scope.groups() if scope else ("", DEFAULT_REGION, UNSIGNED)
    target: str = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        return Call(service, region, target.rpartition(".")[2], Protocol.JSON, key)
    if service == "s3":
        return Call(service, region, _s3_action(environ), Protocol.S3, key)
    if service in REST:
        name, named = action_of(service, environ.get("REQUEST_METHOD", ""), environ.get("PATH_INFO", ""))
        return Call(service, region, name, Protocol.JSON, key, named)
    action = ACTION.search(body) or ACTION.search(asked.encode())
    if service == UNSIGNED and action and action[1] in _UNSIGNED_ACTIONS:
        service = "sts"
    protocol = Protocol.EC2 if service == "ec2" else Protocol.QUERY if action else Protocol.JSON
    return Call(service, region, action[1].decode() if action else "", protocol, key)


def _s3_action(environ: dict[str, Any]) -> str:
    """S3 names its actions by method and path."""
    try:
        return str(get_service_router("s3").match(Request(environ.copy()))[0].name)
    except (HTTPException, NotImplementedError):
        return ""
