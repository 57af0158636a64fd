"""Who answers a request: the lab itself, its own handlers, otherwise moto; and what keeps the answer from coming."""

from __future__ import annotations

import io
import json
import logging
import socket
import struct
import threading
import time
from collections import Counter
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol

from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.api.call import Protocol as CallProtocol
from orchestrator.lab.api.call import call_of
from orchestrator.lab.api.faults import broken
from orchestrator.lab.api.parameters import parameters
from orchestrator.lab.api.query_answer import written

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from orchestrator.lab.api.call import Call
    from orchestrator.lab.api.faults import Faults, Trouble

    #: Answers a method and a body with a status and what becomes JSON.
    Door = Callable[[str, bytes], tuple[int, Any]]

    #: Looks at a call and its body before it is answered, and raises AwsFault when it may not be.
    Guard = Callable[[Call, bytes, Mapping[str, Any]], None]

LOG = logging.getLogger(__name__)


class Handler(Protocol):
    """Answers some actions of one service that is spoken to by JSON or by forms."""

    @property
    def ACTIONS(self) -> Collection[str]:  # noqa: N802  a constant of the class
        """The actions that it answers; others are moto's."""

    def handle(self, call: Call, body: dict[str, Any]) -> dict[str, Any]:
        """The answer to one call. Raises AwsFault."""


class Calls:
    """How many calls were answered, by `service:Action`; refusals are answers too."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def count(self, call: Call) -> None:
        """Count a call that was answered, by its `service:Action`."""
        with self._lock:
            self._counts[call.operation] += 1

    def counts(self) -> dict[str, int]:
        """So far, in order of their names."""
        with self._lock:
            return dict(sorted(self._counts.items()))


class Dispatcher:
    """The lab's WSGI application.

    `answering` holds moto's tables while a call that has this trouble is answered; `handlers` are by service as SigV4
    names it ("ssm"); `doors` are by path: they are the lab's own, neither counted nor faulty. `guards` look at each
    call, one after the other; they get the WSGI variables too.
    """

    def __init__(
        self,
        moto: Any,
        answering: Callable[[Trouble], AbstractContextManager[Any]],
        handlers: Mapping[str, Handler],
        doors: Mapping[str, Door],
        faults: Faults,
        calls: Calls,
        guards: Sequence[Guard] = (),
    ) -> None:
        self._moto = moto
        self._answering = answering
        self._handlers = handlers
        self._doors = doors
        self._faults = faults
        self._calls = calls
        self._guards = guards

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request (WSGI)."""
        body = _body(environ)
        door = self._doors.get(environ.get("PATH_INFO", ""))
        if door is not None:
            status, answer = door(environ.get("REQUEST_METHOD", "GET"), body)
            return _reply(start_response, status, "application/json", _json(answer))
        call = call_of(environ, body)
        self._calls.count(call)
        trouble = self._faults.meet(call, body, environ.get("PATH_INFO", ""))
        if trouble.latency:
            # Nobody else waits with this call: nothing is held yet.
            time.sleep(trouble.latency)
        if trouble.cut:
            return _cut(environ)
        if trouble.refusal is not None:
            return _refuse(start_response, call, trouble.refusal)
        if trouble.lost is not None:
            self._answer(call, environ, body, lambda *_: None, trouble)
            return _refuse(start_response, call, trouble.lost)
        return self._answer(call, environ, body, start_response, trouble)

    def _answer(
        self, call: Call, environ: dict[str, Any], body: bytes, start_response: Any, trouble: Trouble
    ) -> list[bytes]:
        handler = self._handlers.get(call.service)
        try:
            for guard in self._guards:
                guard(call, body, environ)
            if handler is not None and call.action in handler.ACTIONS:
                return _reply(start_response, 200, call.protocol.content_type, _handled(handler, call, environ, body))
            environ["wsgi.input"] = io.BytesIO(body)
            # One request at a time: moto's tables are not made for several threads.
            with self._answering(trouble):
                return list(self._moto(environ, start_response))
        except AwsFault as fault:
            return _refuse(start_response, call, fault)
        except NotImplementedError as error:
            # With a server error SDKs would ask again and again.
            refusal = AwsFault(call.protocol.unknown_action, f"the lab does not do this: {error}")
            return _refuse(start_response, call, refusal)
        except Exception:
            LOG.exception("%s in %s", call.operation, call.region)
            return _refuse(start_response, call, AwsFault(broken(call.protocol).code, "see the lab's log", 500))


def _handled(handler: Handler, call: Call, environ: dict[str, Any], body: bytes) -> bytes:
    """What a handler answers, as its service writes it."""
    if call.protocol is CallProtocol.QUERY:
        return written(call, handler.handle(call, parameters(call, environ, body)))
    return _json(handler.handle(call, json.loads(body or b"{}") | call.named))


def _body(environ: dict[str, Any]) -> bytes:
    if environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked":
        body: bytes = environ["wsgi.input"].read()
        environ["CONTENT_LENGTH"] = str(len(body))
        return body
    return bytes(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))


def _cut(environ: dict[str, Any]) -> list[bytes]:
    """End the connection with a reset, as a network does that leads nowhere: the client gets no answer."""
    connection: socket.socket = environ["werkzeug.socket"]
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.shutdown(socket.SHUT_RD)
    raise ConnectionResetError


def _json(answer: Any) -> bytes:
    return json.dumps(answer, default=str).encode()


def _refuse(start_response: Any, call: Call, fault: AwsFault) -> list[bytes]:
    return _reply(start_response, fault.status, call.protocol.content_type, call.protocol.refusal(fault))


def _reply(start_response: Any, status: int, content_type: str, content: bytes) -> list[bytes]:
    headers = [("Content-Type", content_type), ("Content-Length", str(len(content)))]
    start_response(f"{status} {HTTPStatus(status).phrase}", headers)
    return [content]
