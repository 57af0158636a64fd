"""One health check: a request to a machine, and what it found."""

from __future__ import annotations

import http.client
import socket
from dataclasses import dataclass

from orchestrator.lab.elb.health import CheckAnswer, matches

_FAILED = "Health checks failed"


@dataclass(frozen=True)
class HealthCheck:
    """Where and how a target is asked."""

    address: str
    port: int
    protocol: str
    """`HTTP` or `TCP`."""
    path: str
    codes: str
    timeout: float
    within: bool = True
    """Whether the address is one of the lab's network: nothing else of this host's world is asked."""

    def ask(self) -> CheckAnswer:
        """Ask once."""
        if not self.within:
            return CheckAnswer("Target.Timeout", "Request timed out")
        try:
            return self._http() if self.protocol == "HTTP" else self._tcp()
        except TimeoutError:
            return CheckAnswer("Target.Timeout", "Request timed out")
        except (OSError, http.client.HTTPException):
            return CheckAnswer("Target.FailedHealthChecks", _FAILED)

    def _http(self) -> CheckAnswer:
        connection = http.client.HTTPConnection(self.address, self.port, timeout=self.timeout)
        try:
            headers = {"User-Agent": "ELB-HealthChecker/2.0", "Connection": "close"}
            connection.request("GET", self.path or "/", headers=headers)
            code = connection.getresponse().status
        finally:
            connection.close()
        if matches(code, self.codes):
            return CheckAnswer()
        return CheckAnswer("Target.ResponseCodeMismatch", f"{_FAILED} with these codes: [{code}]")

    def _tcp(self) -> CheckAnswer:
        socket.create_connection((self.address, self.port), self.timeout).close()
        return CheckAnswer()
