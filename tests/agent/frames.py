"""The control channel's frames, as an agent writes them.

Written a second time, from amazon-ssm-agent's `agentmessage.go`, so that a mistake of the lab's is not made twice.
"""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from typing import Any

Told = dict[str, Any]
HEADER = 116


def framed(kind: str, content: Told) -> bytes:
    """A frame of the control channel."""
    payload = json.dumps(content).encode()
    number = uuid.uuid4().bytes
    return b"".join(
        (
            HEADER.to_bytes(4, "big"),
            kind.encode().ljust(32),
            (1).to_bytes(4, "big"),
            int(time.time() * 1000).to_bytes(8, "big"),
            bytes(16),
            number[8:] + number[:8],
            hashlib.sha256(payload).digest(),
            bytes(4),
            len(payload).to_bytes(4, "big"),
            payload,
        )
    )


def unframed(frame: bytes) -> tuple[str, uuid.UUID, Told]:
    """Kind, id and content of a frame."""
    number = frame[64:80]
    return frame[4:36].decode().strip(" \0"), uuid.UUID(bytes=number[8:] + number[:8]), json.loads(frame[HEADER + 4 :])
