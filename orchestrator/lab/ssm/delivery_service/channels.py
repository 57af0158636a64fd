"""Control channels: a websocket for each agent, on which it gets jobs at once and sends its replies.

One thread owns a channel and its socket. Whoever has something for it wakes it.
"""

from __future__ import annotations

import json
import logging
import secrets
import select
import socket
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from websockets.exceptions import ProtocolError
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

from orchestrator.lab.ssm.delivery_service.documents import reply_of
from orchestrator.lab.ssm.delivery_service.frames import AgentMessage, BadFrame, decode, message

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

    from websockets.protocol import Event

    from orchestrator.lab.ssm.delivery_service.delivery import AgentDelivery
    from orchestrator.lab.ssm.delivery_service.mailboxes import Mailboxes
    from orchestrator.lab.ssm.delivery_service.registry import Registry

LOG = logging.getLogger(__name__)

#: Seconds after which a job is sent again that the agent has not acknowledged. AWS names no number.
_UNACKNOWLEDGED = 5.0
#: Seconds after which a job is sent again that the agent had no room for.
_AGAIN = 2.0
#: Seconds for which a token opens a channel.
_TOKEN = 60.0
#: Seconds without a word after which a channel is dead: an agent pings every 54.
_SILENCE = 120.0
#: How the agent says in `agent_job_ack` that it has a job: taken on; had it before; cannot read it, and replies so
#: (amazon-ssm-agent, `mgsinteractor.go`).
_TAKEN = frozenset({"200", "51405", "51408"})
_DATA = frozenset({Opcode.TEXT, Opcode.BINARY, Opcode.CONT})
_BIGGEST = 1 << 20


class Channels:
    """Every agent's control channel. Safe to use from many threads."""

    def __init__(self, registry: Registry, mailboxes: Mailboxes, delivery: AgentDelivery) -> None:
        self._registry = registry
        self._mailboxes = mailboxes
        self._delivery = delivery
        self._tokens: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()

    def token(self, instance_id: str) -> str:
        """A word with which the instance's agent opens its channel, soon and once."""
        made = secrets.token_urlsafe(48)
        now = time.monotonic()
        with self._lock:
            self._tokens = {token: (whose, until) for token, (whose, until) in self._tokens.items() if until > now}
            self._tokens[made] = (instance_id, now + _TOKEN)
        return made

    def serve(self, connection: ssl.SSLSocket | socket.socket, request: bytes, instance_id: str) -> None:
        """Talk with an agent until the channel ends. `request`: the head of its HTTP request, as it came."""
        channel = _Channel(connection)
        try:
            if not channel.accept(request):
                return
            # The first message is text, with the token; the agent gets nothing before.
            if self._opens(next((data for _, data in channel.messages()), b""), instance_id):
                self._talk(channel, instance_id)
            else:
                LOG.warning("%s: the control channel was opened without its token", instance_id)
        finally:
            channel.close()

    def _talk(self, channel: _Channel, instance_id: str) -> None:
        self._registry.connect(instance_id)
        self._mailboxes.open_channel(instance_id, channel.wake)
        try:
            self._offer(channel, instance_id)
            for opcode, data in channel.messages(lambda: self._offer(channel, instance_id)):
                if opcode is Opcode.BINARY:
                    self._hear(channel, data)
        finally:
            self._mailboxes.close_channel(instance_id, channel.wake)
            self._registry.disconnect(instance_id)

    def _opens(self, data: bytes, instance_id: str) -> bool:
        try:
            token = str(json.loads(data)["TokenValue"])
        except (ValueError, TypeError, KeyError):
            return False
        with self._lock:
            whose, until = self._tokens.pop(token, ("", 0.0))
        return whose == instance_id and time.monotonic() < until

    def _offer(self, channel: _Channel, instance_id: str) -> None:
        for waiting in self._mailboxes.take(instance_id, _UNACKNOWLEDGED):
            channel.send(message("agent_job", waiting.as_job()))

    def _hear(self, channel: _Channel, data: bytes) -> None:
        try:
            heard = decode(data)
            if heard.kind == "agent_job_ack":
                self._acknowledged(heard)
            elif heard.kind == "agent_job_reply":
                content = heard.content()
                job = str(content["jobId"])
                self._delivery.replied(job, reply_of(str(content["content"])))
                ack = {"jobId": job, "acknowledgedMessageId": str(heard.message_id)}
                channel.send(message("agent_job_reply_ack", ack))
            else:
                LOG.debug("%s of an agent", heard.kind)
        except (BadFrame, ValueError, TypeError, KeyError) as error:
            LOG.warning("an agent's message cannot be read: %s", error)

    def _acknowledged(self, heard: AgentMessage) -> None:
        content = heard.content()
        job, code = str(content["jobId"]), str(content["statusCode"])
        if code in _TAKEN:
            self._delivery.taken(job)
        else:
            LOG.info("an agent refuses %s: %s %s", job, code, content.get("errorMessage"))
            self._mailboxes.refuse(job, _AGAIN)


class _Channel:
    """A websocket on a socket that is connected already."""

    def __init__(self, connection: ssl.SSLSocket | socket.socket) -> None:
        self._connection = connection
        self._protocol = ServerProtocol(max_size=_BIGGEST)
        self._bell, self._ring = socket.socketpair()
        self._ring.setblocking(False)
        self._events: deque[Event] = deque()
        self._heard = time.monotonic()

    def accept(self, request: bytes) -> bool:
        """Answer the request for a websocket; false when it is none."""
        self._protocol.receive_data(request)
        for asked in self._protocol.events_received():
            if isinstance(asked, Request):
                self._protocol.send_response(self._protocol.accept(asked))
        self._flush()
        return self._protocol.state is State.OPEN

    def messages(self, idle: Callable[[], None] = lambda: None) -> Iterator[tuple[Opcode, bytes]]:
        """What comes, as it comes; `idle` is called when the channel was woken, and every second."""
        parts: list[bytes] = []
        opcode = Opcode.TEXT
        while self._protocol.state is State.OPEN and time.monotonic() - self._heard < _SILENCE:
            self._receive()
            idle()
            self._events.extend(self._protocol.events_received())
            while self._events:
                event = self._events.popleft()
                if not isinstance(event, Frame) or event.opcode not in _DATA:
                    continue
                opcode = opcode if event.opcode is Opcode.CONT else event.opcode
                parts.append(bytes(event.data))
                if event.fin:
                    whole, parts = b"".join(parts), []
                    yield opcode, whole
            self._flush()

    def send(self, sent: AgentMessage) -> None:
        """Send a message; only the thread that reads `messages` may."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_binary(sent.encode())
            self._flush()

    def wake(self) -> None:
        """Let `messages` call `idle` soon. Safe from any thread."""
        try:
            self._ring.send(b"!")
        except OSError:
            LOG.debug("the channel is awake or gone")

    def close(self) -> None:
        """Give the sockets back."""
        for each in (self._bell, self._ring, self._connection):
            each.close()

    def _receive(self) -> None:
        """Read what comes within a second, or until the channel is woken."""
        pending = getattr(self._connection, "pending", lambda: 0)()
        ready = [self._connection] if pending else select.select([self._connection, self._bell], [], [], 1.0)[0]
        if self._bell in ready:
            self._bell.recv(4096)
        if self._connection not in ready:
            return
        try:
            data = self._connection.recv(65536)
        except OSError:
            data = b""
        self._heard = time.monotonic()
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()

    def _flush(self) -> None:
        try:
            for data in self._protocol.data_to_send():
                if data:
                    self._connection.sendall(data)
        except (OSError, ProtocolError):
            LOG.debug("the agent is gone")
