"""The control channel's frames."""

from __future__ import annotations

import uuid

import pytest

from orchestrator.lab.ssm.delivery_service.frames import AgentMessage, BadFrame, decode, message

ONE = uuid.UUID("01234567-89ab-cdef-fedc-ba9876543210")


def test_a_frame_is_what_the_agent_reads() -> None:
    """The offsets are those of amazon-ssm-agent's `agentmessage.go`."""
    frame = AgentMessage("agent_job", b'{"a":1}', ONE, created=0x0102030405060708).encode()
    assert frame[:4] == b"\0\0\0\x74"
    assert frame[4:36].strip() == b"agent_job"
    assert frame[36:40] == b"\0\0\0\1"
    assert frame[40:48] == bytes(range(1, 9))
    assert frame[64:80].hex() == "fedcba98765432100123456789abcdef"
    assert frame[116:] == b'\0\0\0\7{"a":1}'


def test_a_message_survives_the_way() -> None:
    sent = message("agent_job_reply", {"jobId": "aws.ssm.c.i"})
    assert decode(sent.encode()) == sent
    assert decode(sent.encode()).content() == {"jobId": "aws.ssm.c.i"}


@pytest.mark.parametrize(("kept", "added"), [(100, b""), (-1, b""), (-1, b"?")])
def test_what_was_cut_or_changed_is_refused(kept: int, added: bytes) -> None:
    frame = message("agent_job_ack", {"statusCode": "200"}).encode()
    with pytest.raises(BadFrame):
        decode(frame[:kept] + added)


@pytest.mark.parametrize("payload", [b"[]", b"{", b"\xff"])
def test_a_payload_that_is_no_object_is_refused(payload: bytes) -> None:
    with pytest.raises(BadFrame):
        AgentMessage("agent_job_ack", payload).content()
