"""What AWS said, whichever SDK passes it on."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.build.cause import Cause, FailureEvidence, cause_of
from orchestrator.build.failure import BuildFailed
from orchestrator.build.packer.plain import plain

V1 = "Error creating AMI: InternalError: An internal error has occurred\n\tstatus code: 500, request id: 7201b20e-aefb"
V2 = (
    "Error creating AMI: operation error EC2: CreateImage, exceeded maximum number of attempts, 8, https response error"
    " StatusCode: 500, RequestID: e2ea196e-5bfa, api error InternalError: An internal error has occurred"
)
WAITER = (
    "Unknown error waiting for AMI; operation error EC2: DescribeImages, https response error StatusCode: 400,"
    " RequestID: a7b5fddb, api error InvalidAMIID.NotFound: The image id '[ami-5de4]' does not exist"
)
REFUSED = (
    "operation error EC2: DescribeVpcs, https response error StatusCode: 0, RequestID: , request send failed, Post"
    ' "http://127.0.0.1:9/": dial tcp 127.0.0.1:9: connect: connection refused'
)


def test_both_sdks_say_the_same() -> None:
    assert plain(V1) == plain(V2) == "Error creating AMI: InternalError: An internal error has occurred (HTTP 500)"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (
            WAITER,
            "Unknown error waiting for AMI; InvalidAMIID.NotFound: The image id '[ami-5de4]' does not exist (HTTP 400)",
        ),
        (REFUSED, 'request send failed, Post "http://127.0.0.1:9/": dial tcp 127.0.0.1:9: connect: connection refused'),
        ("Timeout waiting for SSH.", "Timeout waiting for SSH."),
    ],
)
def test_text_in_the_one_wording(said: str, expected: str) -> None:
    assert plain(said) == expected


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("RequestLimitExceeded", 503, Cause.FAULT),
        ("InternalError", 500, Cause.FAULT),
        ("Unavailable", 503, Cause.FAULT),
        ("InvalidAMIID.NotFound", 400, Cause.FAULT),
        ("InvalidAMIName.Duplicate", 400, Cause.FAULT),
        ("UnauthorizedOperation", 403, Cause.REFUSED),
        ("InvalidParameterValue", 400, Cause.REFUSED),
        ("InsufficientInstanceCapacity", 500, Cause.CAPACITY),
        ("InsufficientFreeAddressesInSubnet", 400, Cause.CAPACITY),
    ],
)
def test_cause_by_the_code_in_either_wording(code: str, status: int, expected: Cause) -> None:
    """Only the code and the status decide, not the words around them."""
    v1 = f"Error launching source instance: {code}: Because\n\tstatus code: {status}, request id: 7201"
    v2 = (
        "Error launching source instance: operation error EC2: RunInstances, https response error"
        f" StatusCode: {status}, RequestID: e2ea, api error {code}: Because"
    )
    assert [cause_of(FailureEvidence(errors=(said,))) for said in (v1, v2)] == [expected, expected]


@pytest.mark.parametrize("said", [V1, V2])
def test_person_reads_the_plain_wording(said: str) -> None:
    told = BuildFailed("web", log=Path("log"), evidence=FailureEvidence(errors=(said,))).message
    assert told == f"web: Packer failed:\n{plain(said)}\nlog: log"
