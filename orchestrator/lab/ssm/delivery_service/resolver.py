"""The name server of a lab's network: it knows the endpoints that the lab answers for, and sends on for all others.

On AWS, interface endpoints with private DNS do the same (AWS PrivateLink guide, "Access an AWS service using an
interface VPC endpoint"): the name is AWS's own, and within the network it leads elsewhere. What it does not know it
refuses, so that the machine asks the next name server of its list (resolv.conf(5)), which is the host's.
"""

from __future__ import annotations

import logging
import re
import socket
import struct
import threading

LOG = logging.getLogger(__name__)

#: Id, flags, numbers of questions, answers, authorities, additions (RFC 1035, 4.1.1).
_HEADER = struct.Struct(">HHHHHH")
_QUESTION = struct.Struct(">HH")
_RESPONSE, _RECURSION = 0x8000, 0x0180
_NO_ERROR, _FORMAT, _REFUSED = 0, 1, 5
_ADDRESS, _INTERNET = 1, 1
_SECONDS = 60
_LONGEST_LABEL = 63
#: The services that agents call.
ENDPOINT = re.compile(r"(ssm|ec2messages|ssmmessages)\.[a-z]{2}(-[a-z]+)+-\d\.amazonaws\.com")


def answer(query: bytes, address: str) -> bytes | None:
    """The answer to a query; None to what is none."""
    if len(query) < _HEADER.size:
        return None
    number, flags, questions, *_ = _HEADER.unpack_from(query)
    if flags & _RESPONSE:
        return None
    found = _question(query) if questions == 1 else None
    if found is None:
        return _HEADER.pack(number, _RESPONSE | _RECURSION | _FORMAT, 0, 0, 0, 0)
    name, kind, ends = found
    asked = query[_HEADER.size : ends]
    if not ENDPOINT.fullmatch(name.lower()):
        return _HEADER.pack(number, _RESPONSE | _RECURSION | _REFUSED, 1, 0, 0, 0) + asked
    if kind != _ADDRESS:
        # The name is there, and has nothing of this kind.
        return _HEADER.pack(number, _RESPONSE | _RECURSION | _NO_ERROR, 1, 0, 0, 0) + asked
    # The name is the question's, at the end of the header.
    record = struct.pack(">HHHIH", 0xC000 | _HEADER.size, _ADDRESS, _INTERNET, _SECONDS, 4) + socket.inet_aton(address)
    return _HEADER.pack(number, _RESPONSE | _RECURSION | _NO_ERROR, 1, 1, 0, 0) + asked + record


def _question(query: bytes) -> tuple[str, int, int] | None:
    """Name, type and end of the first question."""
    labels, at = [], _HEADER.size
    while at < len(query) and query[at]:
        size = query[at]
        if size > _LONGEST_LABEL:
            return None
        labels.append(query[at + 1 : at + 1 + size].decode("ascii", "replace"))
        at += 1 + size
    ends = at + 1 + _QUESTION.size
    if len(query) < ends:
        return None
    return ".".join(labels), _QUESTION.unpack_from(query, at + 1)[0], ends


def serve(address: str, bridge: str) -> None:
    """Answer on a bridge, in a thread, until the process ends."""
    door = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, bridge.encode())
    door.bind((address, 53))
    threading.Thread(target=_serve, args=(door, address), name="resolver", daemon=True).start()


def _serve(door: socket.socket, address: str) -> None:
    while True:
        query, client = door.recvfrom(4096)
        if (said := answer(query, address)) is not None:
            try:
                door.sendto(said, client)
            except OSError as error:
                LOG.debug("no answer for %s: %s", client, error)
