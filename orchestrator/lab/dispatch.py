"""Who answers a request: the lab's own handlers first, otherwise moto."""

from __future__ import annotations

import io
import json
import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from orchestrator.lab.faults import AwsFault

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from contextlib import AbstractContextManager

LOG = logging.getLogger(__name__)

#: `AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, ...` (SigV4, "Authorization header").
SCOPE = re.compile(r"Credential=[^/]*/\d{8}/([^/]+)/([^/]+)/aws4_request")

#: Where the lab says that it is there.
HEALTH = "/ami-lab/health"


class Handler(Protocol):
    """Answers some actions of one JSON service."""

    @property
    def ACTIONS(self) -> Collection[str]:  # noqa: N802  a constant of the class
        """The actions that it answers; others are moto's."""

    def handle(self, action: str, region: str, body: dict[str, Any]) -> dict[str, Any]:
        """The answer to one call. Raises AwsFault."""


@dataclass(frozen=True)
class Call:
    """Which service, region and action a request is for, as far as its headers say."""

    service: str
    region: str
    action: str


def call_of(headers: Mapping[str, str]) -> Call:
    """The call of a request with these WSGI headers; empty strings for what they do not say."""
    scope = SCOPE.search(headers.get("HTTP_AUTHORIZATION", ""))
    region, service = scope.groups() if scope else ("us-east-1", "")
    action = headers.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
    return Call(service, region, action)


class Dispatcher:
    """The lab's WSGI application.

    `lock` is that of moto's tables; `handlers` are by service as SigV4 names it ("ssm").
    """

    def __init__(
        self, moto: Any, lock: AbstractContextManager[Any], handlers: Mapping[str, Handler], health: Callable[[], Any]
    ) -> None:
        self._moto = moto
        self._lock = lock
        self._handlers = handlers
        self._health = health

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request (WSGI)."""
        if environ.get("PATH_INFO") == HEALTH:
            return _reply(start_response, 200, self._health())
        call = call_of(environ)
        handler = self._handlers.get(call.service)
        if handler is not None and call.action in handler.ACTIONS:
            return self._own(handler, call, environ, start_response)
        return self._others(environ, start_response)

    def _own(self, handler: Handler, call: Call, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        try:
            body = json.loads(_body(environ) or b"{}")
            return _reply(start_response, 200, handler.handle(call.action, call.region, body))
        except AwsFault as fault:
            return _reply(start_response, fault.status, {"__type": fault.code, "message": fault.message})
        except Exception:
            LOG.exception("%s.%s in %s", call.service, call.action, call.region)
            return _reply(start_response, 500, {"__type": "InternalServerError", "message": "see the lab's log"})

    def _others(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        """One request at a time: moto's tables are not made for several threads."""
        environ["wsgi.input"] = io.BytesIO(_body(environ))
        with self._lock:
            return list(self._moto(environ, start_response))


def _body(environ: dict[str, Any]) -> bytes:
    if environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked":
        body: bytes = environ["wsgi.input"].read()
        environ["CONTENT_LENGTH"] = str(len(body))
        return body
    return bytes(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))


def _reply(start_response: Any, status: int, answer: Any) -> list[bytes]:
    content = json.dumps(answer, default=str).encode()
    start_response(
        f"{status} {'OK' if status == 200 else 'Error'}",  # noqa: PLR2004  HTTP's own number
        [("Content-Type", "application/x-amz-json-1.1"), ("Content-Length", str(len(content)))],
    )
    return [content]
