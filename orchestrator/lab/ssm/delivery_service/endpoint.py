"""The endpoints of AWS that a lab's machines call, over TLS, at one address of their network.

Calls go the same way as those of clients (rights, faults and counts apply), but for the control channel: its path is
turned into a call, and the websocket leaves HTTP altogether.
"""

from __future__ import annotations

import json
import logging
import re
import socket
import ssl
from http import HTTPStatus
from io import BytesIO
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from werkzeug.serving import WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from orchestrator.lab.ssm.delivery_service.channels import Channels

LOG = logging.getLogger(__name__)

#: The path of a control channel ends with its instance.
_CHANNEL = re.compile(r"/v1/control-channel/(?P<instance>m?i-[0-9a-f]{8,17})")


class ControlChannelPath:
    """A WSGI application that turns the request for a control channel into a call of `application`, and its answer."""

    def __init__(self, application: Callable[[dict[str, Any], Any], Iterable[bytes]]) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request (WSGI)."""
        path = _CHANNEL.fullmatch(environ.get("PATH_INFO", ""))
        if path is None:
            return self._application(environ, start_response)
        length = int(environ.get("CONTENT_LENGTH") or 0)
        status, answer = self._call(environ, environ["wsgi.input"].read(length), path["instance"])
        content = _xml(status, answer)
        # The agent takes nothing but 201 for success.
        shown = HTTPStatus.CREATED if status == HTTPStatus.OK else HTTPStatus(status)
        headers = [("Content-Type", "application/xml"), ("Content-Length", str(len(content)))]
        start_response(f"{shown.value} {shown.phrase}", headers)
        return [content]

    def _call(self, environ: dict[str, Any], body: bytes, instance_id: str) -> tuple[int, dict[str, Any]]:
        try:
            asked = json.loads(body or b"{}") | {"ChannelId": instance_id}
        except (ValueError, TypeError):
            asked = {"ChannelId": instance_id}
        content = json.dumps(asked).encode()
        changed = environ | {
            "HTTP_X_AMZ_TARGET": "AmazonSSMMessageGateway.CreateControlChannel",
            "CONTENT_LENGTH": str(len(content)),
            "wsgi.input": BytesIO(content),
        }
        said: list[str] = []
        answer = b"".join(self._application(changed, lambda status, _headers: said.append(status)))
        return int(said[0].split()[0]), json.loads(answer)


def _xml(status: int, answer: dict[str, Any]) -> bytes:
    if status == HTTPStatus.OK:
        told = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in answer.items())
        return f"<CreateControlChannelResponse>{told}</CreateControlChannelResponse>".encode()
    code = str(answer.get("__type", "InternalServerError"))
    return f"<{code}><Message>{escape(str(answer.get('message', '')))}</Message></{code}>".encode()


def serve(application: ControlChannelPath, channels: Channels, context: ssl.SSLContext, listener: socket.socket) -> Any:
    """A server on a socket that listens, which it takes over; `serve_forever` serves it."""
    host, port = listener.getsockname()

    class Connection(WSGIRequestHandler):
        """One connection, which speaks TLS in its own thread."""

        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            """Shake hands with the first read: a machine that dies meanwhile must not hold the others off."""
            self.request.settimeout(60)
            self.request = context.wrap_socket(self.request, server_side=True, do_handshake_on_connect=False)
            super().setup()

        def handle(self) -> None:
            """Answer until the connection ends."""
            try:
                super().handle()
            except ssl.SSLError as error:
                LOG.info("%s does not speak TLS with the lab: %s", self.client_address[0], error)

        def finish(self) -> None:
            """The server itself closes what is below TLS only."""
            super().finish()
            self.request.close()

        def run_wsgi(self) -> None:
            """Answer one request, or be a control channel from now on."""
            path = _CHANNEL.fullmatch(self.path.partition("?")[0])
            if path is None or self.headers.get("Upgrade", "").lower() != "websocket":
                super().run_wsgi()
                return
            self.close_connection = True
            head = f"GET {self.path} HTTP/1.1\r\n{self.headers.as_string(maxheaderlen=0)}"
            channels.serve(self.connection, head.replace("\r\n", "\n").replace("\n", "\r\n").encode(), path["instance"])

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Write no line for a request: agents ask all the time."""

    with listener:
        return make_server(host, port, application, threaded=True, request_handler=Connection, fd=listener.fileno())


def listening(address: str, bridge: str) -> socket.socket:
    """A socket that hears HTTPS on a bridge only."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, bridge.encode())
    listener.bind((address, 443))
    listener.listen(128)
    return listener
