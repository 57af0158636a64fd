"""Refuses what AWS would refuse, and what the lab would ignore."""

from __future__ import annotations

import json
import logging
from functools import cache
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl

from botocore.exceptions import UnknownServiceError
from moto.core.utils import get_service_model

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.api.call import UNSIGNED, Protocol
from orchestrator.lab.strict import filters, form
from orchestrator.lab.strict.answering import service_name
from orchestrator.lab.strict.complaint import Complaint, Wrong, refusal
from orchestrator.lab.strict.honoured import reading, reads
from orchestrator.lab.strict.ignored import harmless
from orchestrator.lab.strict.shapes import complaints

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Mapping

    from orchestrator.lab.api.call import Call
    from orchestrator.lab.api.dispatch import Handler

LOG = logging.getLogger(__name__)

#: Protocols whose parameters all stand in the body. S3's and REST's stand in paths and headers as well.
_READ = {"ec2": Protocol.EC2, "query": Protocol.QUERY, "json": Protocol.JSON}

_NUMBERED = ("ssm:DescribeParameters", "ssm:GetParameterHistory", "ssm:GetParametersByPath")


class StrictGuard:
    """Looks at each call: first as AWS does, by the model of its service; then whether the lab honours all of it.

    `unpublished`: operations that AWS has no model of. `lenient` writes to the log what the lab does not honour, once
    for each parameter, and lets the call pass.
    """

    def __init__(
        self, handlers: Mapping[str, Handler], unpublished: Collection[str] = (), *, lenient: bool = False
    ) -> None:
        self._handlers = handlers
        self._unpublished = unpublished
        self._lenient = lenient
        self._told: set[str] = set()

    def __call__(self, call: Call, body: bytes, environ: Mapping[str, Any]) -> None:
        """Raise AwsFault unless the call may be answered."""
        if not call.action or call.service in (UNSIGNED, "s3") or call.operation in self._unpublished:
            return
        pairs = _pairs(body, environ) if call.protocol is not Protocol.JSON else []
        service = service_name(call.service, dict(pairs).get("Version", ""))
        model = _model(service)
        if model is None or not _speaks(model, call.protocol):
            return
        if call.action not in model.operation_names:
            raise _unknown_action(call)
        shape = model.operation_model(call.action).input_shape
        parameters = _checked(call, shape, pairs, body)
        if shape is not None and parameters:
            _check_filters(call, shape, parameters)
            _check_token(call, parameters)
            self._check_honoured(call, service, shape, parameters)

    def _check_honoured(self, call: Call, service: str, shape: Any, parameters: Mapping[str, Any]) -> None:
        handler = self._handlers.get(call.service)
        answers = handler is not None and call.action in handler.ACTIONS
        strings = _reading(service, call.action, cast("Hashable", handler) if answers else None)
        if strings is None:
            return  # nothing answers, which the dispatcher says
        operation = f"{service}:{call.action}"
        for name, value in parameters.items():
            known = shape.members.get(name)
            if known is None or reads(strings, name) or harmless(operation, name, value, known):
                continue
            self._refuse(call, name)

    def _refuse(self, call: Call, name: str) -> None:
        what = f"the lab does not honour the parameter {name} of {call.action}"
        if not self._lenient:
            code = "UnsupportedOperationException" if call.protocol is Protocol.JSON else "UnsupportedOperation"
            raise AwsFault(code, f"{what}: it would be ignored; `ami lab up --lenient` lets it be")
        if what not in self._told:
            self._told.add(what)
            LOG.warning("%s: %s", call.operation, what)


@cache
def _model(service: str) -> Any:
    try:
        return get_service_model(service)
    except UnknownServiceError:
        return None


@cache
def _reading(service: str, action: str, handler: Hashable | None) -> frozenset[str] | None:
    return reading(service, action, handler)


def _speaks(model: Any, protocol: Protocol) -> bool:
    spoken = model.metadata.get("protocols") or [model.metadata["protocol"]]
    return protocol in {_READ.get(each) for each in spoken}


def _pairs(body: bytes, environ: Mapping[str, Any]) -> list[tuple[str, str]]:
    text = body.decode(errors="replace") or str(environ.get("QUERY_STRING", ""))
    return parse_qsl(text, keep_blank_values=True)


def _unknown_action(call: Call) -> AwsFault:
    code = call.protocol.unknown_action
    if call.protocol is Protocol.JSON:
        return AwsFault(code, "")
    return AwsFault(code, f"The action {call.action} is not valid for this web service.")


def _checked(call: Call, shape: Any, pairs: list[tuple[str, str]], body: bytes) -> dict[str, Any]:
    """The parameters of a call that has the form that its service asks for."""
    if call.protocol is Protocol.JSON:
        parameters, unknown = _object(body), list[str]()
    else:
        parameters, unknown = form.tree(shape, pairs, ec2=call.protocol is Protocol.EC2)
    found = [Complaint(Wrong.UNKNOWN, tuple(name.split("."))) for name in unknown]
    if shape is not None:
        found += complaints(shape, parameters)
    elif parameters:
        found += [Complaint(Wrong.UNKNOWN, (name,)) for name in parameters]
    if found:
        raise refusal(call.protocol, found)
    return parameters


def _object(body: bytes) -> dict[str, Any]:
    try:
        parameters = json.loads(body or b"{}")
    except ValueError:
        raise AwsFault("SerializationException", "the body is no JSON") from None
    if not isinstance(parameters, dict):
        raise AwsFault("SerializationException", "the body is no JSON object")
    return parameters


def _check_token(call: Call, parameters: Mapping[str, Any]) -> None:
    """A token that was never given leads nowhere; moto's of Parameter Store are numbers."""
    token = str(parameters.get("NextToken") or "0")
    if call.operation in _NUMBERED and not token.isdigit():
        raise AwsFault("InvalidNextToken", "The specified token isn't valid.")


def _check_filters(call: Call, shape: Any, parameters: Mapping[str, Any]) -> None:
    key, names = filters.asked(parameters)
    if not names or getattr(shape.members.get(key), "type_name", "") != "list":
        return
    known = filters.documented(call.action, shape.members[key])
    name = filters.unknown(names, known) if known else ""
    if not name:
        return
    if call.protocol is Protocol.EC2:
        raise AwsFault("InvalidParameterValue", f"The filter '{name}' is invalid")
    code = "ValidationException" if call.protocol is Protocol.JSON else "ValidationError"
    raise AwsFault(code, f"The filter '{name}' is invalid; {call.action} has {', '.join(known)}")
