"""Ports of the loopback interface for what tests start."""

from __future__ import annotations

import socket


def free_port() -> int:
    """A port that nothing uses."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])
