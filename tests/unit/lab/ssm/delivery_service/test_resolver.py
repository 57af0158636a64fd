"""The name server of the lab's network."""

from __future__ import annotations

import struct

import pytest

from orchestrator.lab.ssm.delivery_service.resolver import answer

ADDRESS, AWS = "169.254.169.253", "amazonaws.com"


def query(name: str, kind: int = 1) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack(">HHHHHH", 0x1234, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", kind, 1)


def said(name: str, kind: int = 1) -> tuple[int, int, bytes]:
    """Code, number of answers, and the last four bytes."""
    found = answer(query(name, kind), ADDRESS)
    assert found is not None
    number, flags, _, answers, *_ = struct.unpack_from(">HHHHHH", found)
    assert (number, flags & 0x8000) == (0x1234, 0x8000)
    return flags & 15, answers, found[-4:]


@pytest.mark.parametrize(
    "name",
    [
        "ssm.us-east-1.amazonaws.com",
        "ec2messages.eu-central-1.amazonaws.com",
        "SSMMessages.ap-southeast-2.amazonaws.com",
    ],
)
def test_the_endpoints_of_agents_lead_to_the_lab(name: str) -> None:
    assert said(name) == (0, 1, bytes([169, 254, 169, 253]))


def test_an_endpoint_has_no_address_of_another_kind() -> None:
    """Not NXDOMAIN, which would say that the name has no address at all."""
    assert said("ssm.us-east-1.amazonaws.com", kind=28)[:2] == (0, 0)


@pytest.mark.parametrize("name", ["deb.debian.org", f"s3.us-east-1.{AWS}", f"ssm.us-east-1.{AWS}.evil.org"])
def test_other_names_are_refused_so_that_the_next_server_is_asked(name: str) -> None:
    assert said(name)[:2] == (5, 0)


@pytest.mark.parametrize("octets", [b"", b"\x12\x34", query("ssm.us-east-1.amazonaws.com")[:20]])
def test_what_is_no_query_makes_no_trouble(octets: bytes) -> None:
    found = answer(octets, ADDRESS)
    assert found is None or found[3] & 15 == 1


def test_an_answer_is_not_answered() -> None:
    """Or two servers would talk for ever."""
    assert answer(answer(query("deb.debian.org"), ADDRESS) or b"", ADDRESS) is None
