"""The frames of the control channel, on which Systems Manager and an agent talk over a websocket.

Source: amazon-ssm-agent, `agent/session/contracts/agentmessage.go`. A frame is a header of 116 bytes, the length of its
payload in four, and the payload, which is JSON. Numbers are big-endian; the halves of a UUID are swapped.
"""

from __future__ import annotations

import hashlib
import json
import struct
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

#: Length of the header, type, version, time, sequence, flags, id, digest, type of the payload.
_HEADER = struct.Struct(">I32sIQqQ16s32sI")
_LENGTH = struct.Struct(">I")
_VERSION = 1


class BadFrame(Exception):
    """What came is no frame of the control channel."""


@dataclass(frozen=True)
class AgentMessage:
    """One message of the control channel."""

    kind: str
    """`agent_job`, `agent_job_ack`, `agent_job_reply`, `agent_job_reply_ack` or one that the lab ignores."""
    payload: bytes
    message_id: uuid.UUID = field(default_factory=uuid.uuid4)
    created: int = field(default_factory=lambda: int(time.time() * 1000))
    """Epoch milliseconds."""

    def encode(self) -> bytes:
        """The frame."""
        header = _HEADER.pack(
            _HEADER.size,
            self.kind.encode().ljust(32),
            _VERSION,
            self.created,
            0,
            0,
            _swapped(self.message_id.bytes),
            hashlib.sha256(self.payload).digest(),
            0,
        )
        return header + _LENGTH.pack(len(self.payload)) + self.payload

    def content(self) -> dict[str, Any]:
        """The payload as an object. Raises BadFrame."""
        try:
            found = json.loads(self.payload)
        except ValueError as error:
            raise BadFrame(f"{self.kind}: {error}") from None
        if not isinstance(found, dict):
            raise BadFrame(f"{self.kind}: the payload is no object")
        return found


def message(kind: str, content: dict[str, Any]) -> AgentMessage:
    """A new message."""
    return AgentMessage(kind, json.dumps(content).encode())


def decode(frame: bytes) -> AgentMessage:
    """The message of a frame. Raises BadFrame."""
    if len(frame) < _HEADER.size + _LENGTH.size:
        raise BadFrame(f"{len(frame)} bytes are too few")
    size, kind, _, created, _, _, swapped, digest, _ = _HEADER.unpack_from(frame)
    payload = frame[size + _LENGTH.size :]
    if _LENGTH.unpack_from(frame, min(size, len(frame) - _LENGTH.size))[0] != len(payload):
        raise BadFrame("the payload is not as long as the frame says")
    if hashlib.sha256(payload).digest() != digest:
        raise BadFrame("the payload does not have the digest that the frame says")
    name = kind.decode("ascii", "replace").strip("\0 ")
    return AgentMessage(name, payload, uuid.UUID(bytes=_swapped(swapped)), created)


def _swapped(octets: bytes) -> bytes:
    return octets[8:] + octets[:8]
