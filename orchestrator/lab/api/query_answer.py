"""How an answer is written by a service that is spoken to by forms (the protocol `query` of botocore's models)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from moto.core.serialize import QuerySerializer, SerializationContext
from moto.core.utils import get_service_model

if TYPE_CHECKING:
    from orchestrator.lab.api.call import Call


def written(call: Call, answer: dict[str, Any]) -> bytes:
    """The XML of an answer, as the model of the service has it."""
    operation = get_service_model(call.service).operation_model(call.action)
    body = QuerySerializer(operation, SerializationContext(str(uuid.uuid4()))).serialize(answer)["body"]
    return body.encode() if isinstance(body, str) else bytes(body)
