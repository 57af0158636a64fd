"""The instance metadata service on 169.254.169.254:80, heard on the lab's own bridge only."""

from __future__ import annotations

import math
import socket
from typing import TYPE_CHECKING, Any

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from orchestrator.lab.host.network import METADATA_ADDRESS
from orchestrator.lab.imds import metadata

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from orchestrator.lab.ssm.agent_calls import AgentCalls
    from orchestrator.lab.tables import Tables


TOKEN = "X-aws-ec2-metadata-token"  # noqa: S105  a header's name
TTL = "X-aws-ec2-metadata-token-ttl-seconds"

#: How agents name themselves: the lab's stand-in, and the real one, whose SDK for Go does it.
AGENTS = ("amazon-ssm-agent", "aws-sdk-go/")
#: Where machines find the agent's package; AWS has it in an S3 bucket of the region.
AGENT_PATH = "/ami-lab/amazon-ssm-agent.deb"
#: Where the agent of a machine makes its first call; on AWS that is Systems Manager itself.
AGENT_CALLS = "/ami-lab/agent/UpdateInstanceInformation"


class Quiet(WSGIRequestHandler):
    """Requests are not logged: every boot makes some forty."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Write no line for a request: machines ask all the time."""


class MetadataService:
    """A WSGI application that knows its caller by the address that it calls from."""

    def __init__(self, tables: Tables, agent: Path, agents: AgentCalls) -> None:
        self._tables = tables
        self._agent = agent
        self._agents = agents
        self._tokens = metadata.Tokens()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request (WSGI)."""
        request = Request(environ)
        return self._answer(request)(environ, start_response)

    def _answer(self, request: Request) -> Response:
        if request.path == AGENT_PATH:
            return Response(self._agent.read_bytes(), mimetype="application/vnd.debian.binary-package")
        client = self._client(request.remote_addr or "")
        if client is None or "X-Forwarded-For" in request.headers:
            return _refusal(403, "Forbidden")
        if request.path == AGENT_CALLS:
            return self._agent_call(client)
        if request.path.rstrip("/") == "/latest/api/token":
            return self._token(request, client)
        return self._metadata(request, client)

    def _metadata(self, request: Request, client: metadata.MetadataClient) -> Response:
        if request.method not in ("GET", "HEAD"):
            return _refusal(405, "Method Not Allowed")
        if not self._tokens.good(client.instance_id, request.headers.get(TOKEN, "")):
            return _refusal(401, "Unauthorized")
        found = metadata.look_up(client, request.path)
        return _refusal(404, "Not Found") if found is None else Response(found, mimetype="text/plain")

    def _agent_call(self, client: metadata.MetadataClient) -> Response:
        pause = self._agents.register(client.instance_id, client.region)
        if pause is None:
            return Response("{}", mimetype="application/json")
        refusal = _refusal(400, "Bad Request")
        refusal.headers["Retry-After"] = str(math.ceil(pause))
        return refusal

    def _token(self, request: Request, client: metadata.MetadataClient) -> Response:
        if request.method != "PUT":
            return _refusal(405, "Method Not Allowed")
        if request.user_agent.string.startswith(AGENTS) and not self._agents.find_metadata():
            return _refusal(503, "Service Unavailable")
        seconds = metadata.seconds_asked(request.headers.get(TTL))
        if seconds is None:
            return _refusal(400, "Bad Request")
        token = self._tokens.issue(client.instance_id, seconds)
        return Response(token, mimetype="text/plain", headers={TTL: str(seconds)})

    def _client(self, address: str) -> metadata.MetadataClient | None:
        with self._tables.lock:
            for instance in self._tables.instances():
                if instance.container_expected and instance.private_ip == address:
                    enabled = instance.metadata_options.http_endpoint != "disabled"
                    return metadata.client_of(instance) if enabled else None
        return None


def _refusal(status: int, title: str) -> Response:
    return Response(f"{status} - {title}\n", status=status, mimetype="text/plain")


def serve(application: MetadataService, bridge: str) -> Any:
    """A server bound to the metadata address on one bridge, so that several labs can each have theirs."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, bridge.encode())
        listener.bind((METADATA_ADDRESS, 80))
        listener.listen(128)
        return make_server(
            METADATA_ADDRESS, 80, application, threaded=True, request_handler=Quiet, fd=listener.fileno()
        )
