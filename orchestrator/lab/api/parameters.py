"""The parameters of a call as botocore names them, before anybody answers it."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from botocore.exceptions import UnknownServiceError
from botocore.model import OperationNotFoundError
from moto.core.parse import PROTOCOL_PARSERS, RequestParserError
from moto.core.utils import get_service_model
from werkzeug.datastructures import MultiDict

from orchestrator.lab.api.call import Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.lab.api.call import Call

#: botocore's names of services that SigV4 names differently.
_MODELS = {"elasticloadbalancing": "elbv2", "monitoring": "cloudwatch"}


def parameters(call: Call, environ: Mapping[str, Any], body: bytes) -> dict[str, Any]:
    """What a call asks for; empty when its form is wrong, which the service says itself, and of S3."""
    if call.protocol is Protocol.JSON:
        try:
            told = json.loads(body or b"{}")
        except ValueError:
            return {}
        return told if isinstance(told, dict) else {}
    if call.protocol is Protocol.S3:
        return {}
    form = body.decode(errors="replace") or str(environ.get("QUERY_STRING", ""))
    values: MultiDict[str, str] = MultiDict(parse_qsl(form, keep_blank_values=True))
    parser = PROTOCOL_PARSERS["ec2" if call.protocol is Protocol.EC2 else "query"]
    try:
        operation = _model(_MODELS.get(call.service, call.service)).operation_model(call.action)
        asked: Any = {"method": "POST", "values": values, "headers": {}, "body": b"", "url_path": "/", "url_params": {}}
        return dict(parser(operation).parse(asked))
    except (UnknownServiceError, OperationNotFoundError, RequestParserError, ValueError):
        return {}


@cache
def _model(service: str) -> Any:
    return get_service_model(service)
