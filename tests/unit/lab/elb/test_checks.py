from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from orchestrator.lab.elb.checks import HealthCheck

if TYPE_CHECKING:
    from collections.abc import Iterator


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(204 if self.path == "/health" else 500)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def check(port: int, protocol: str = "HTTP", path: str = "/health", *, within: bool = True) -> str:
    return HealthCheck("127.0.0.1", port, protocol, path, "200-299", 2.0, within).ask().reason


def test_what_a_check_finds(port: int) -> None:
    """The code decides; a connection is enough for TCP; nothing but the lab's network is asked."""
    assert check(port) == ""
    assert check(port, path="/") == "Target.ResponseCodeMismatch"
    assert check(port, "TCP") == ""
    assert check(port, within=False) == "Target.Timeout"


@pytest.mark.parametrize("protocol", ["HTTP", "TCP"])
def test_nobody_listens(port: int, protocol: str) -> None:
    assert check(port + 1 if port < 65_535 else port - 1, protocol) == "Target.FailedHealthChecks"
