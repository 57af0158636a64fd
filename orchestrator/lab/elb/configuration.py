"""HAProxy's configuration for the load balancers of a lab, and the commands that change its servers. Pure functions.

HAProxy Configuration Manual 2.6, "server-template"; Management Guide, "set server".
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    #: (Address, port) of targets.
    Servers = Sequence[tuple[str, int]]

#: How many targets of one target group can serve.
SLOTS = 32

_GLOBAL = """\
global
  stats socket {socket} mode 600 level admin expose-fd listeners
  hard-stop-after 10s
  maxconn 1000
defaults
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  option redispatch
  retries 3
"""


@dataclass(frozen=True)
class Forward:
    """One listener: where it listens, and the target group that gets its requests."""

    address: str
    port: int
    protocol: str
    """`HTTP` or `TCP`."""
    target_group: str
    """Its ARN."""

    @property
    def name(self) -> str:
        """How HAProxy names it."""
        return f"{self.address}:{self.port}"


def backend_name(forward: Forward) -> str:
    """How HAProxy names the targets of a listener."""
    mark = hashlib.sha256(f"{forward.target_group} {forward.protocol}".encode()).hexdigest()[:16]
    return f"targets-{mark}"


def rendered(forwards: Sequence[Forward], servers: Mapping[str, Servers], socket: Path) -> str:
    """The whole configuration; `servers` by the ARN of their target group."""
    text = [_GLOBAL.format(socket=socket)]
    for forward in forwards:
        mode = "http" if forward.protocol == "HTTP" else "tcp"
        text.append(f"frontend {forward.name}\n  mode {mode}\n  bind {forward.name}\n")
        text.append(f"  default_backend {backend_name(forward)}\n")
    for name, forward in {backend_name(each): each for each in forwards}.items():
        mode = "http" if forward.protocol == "HTTP" else "tcp"
        text.append(f"backend {name}\n  mode {mode}\n  balance roundrobin\n")
        text += _slots(servers.get(forward.target_group, ()))
    return "".join(text)


def _slots(servers: Servers) -> Iterator[str]:
    placed = slots({}, servers)
    for number in range(1, SLOTS + 1):
        address, port = placed.get(number, ("127.0.0.1", 1))
        state = "" if number in placed else " disabled"
        yield f"  server s{number} {address}:{port}{state}\n"


def slots(before: Mapping[int, tuple[str, int]], servers: Servers) -> dict[int, tuple[str, int]]:
    """Which slot has which server: who has one keeps it, who is new gets the first that is free."""
    placed = {number: server for number, server in before.items() if server in servers}
    free = (number for number in range(1, SLOTS + 1) if number not in placed)
    for server in servers:
        if server not in placed.values():
            number = next(free, 0)
            if number:
                placed[number] = server
    return placed


def commands(
    backend: str, before: Mapping[int, tuple[str, int]], after: Mapping[int, tuple[str, int]]
) -> Iterator[str]:
    """What HAProxy is told so that a backend has other servers: those that leave finish what they have begun."""
    for number in before:
        if number not in after:
            yield f"set server {backend}/s{number} state drain"
    for number, (address, port) in after.items():
        if before.get(number) != (address, port):
            yield f"set server {backend}/s{number} addr {address} port {port}"
            yield f"set server {backend}/s{number} state ready"
